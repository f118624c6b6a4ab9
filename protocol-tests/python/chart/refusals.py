"""Values that must be refused, each with what the message has to say."""

CONNECTOR = "sink.connectors.a.config"

REFUSALS = [
    # Typing errors, wherever they are.
    (["proxy.replicas=3"], "additional properties 'replicas' not allowed"),
    (["porxy.enabled=true"], "additional properties 'porxy' not allowed"),
    (["sink.conectors.a.config.topics=t"], "additional properties 'conectors' not allowed"),
    (["proxy.service.prot=80"], "additional properties 'prot' not allowed"),
    (["proxy.resources.limits.memroy=1Gi"], "additional properties 'memroy' not allowed"),
    (["monitoring.monitor.kind=Servicemonitor"], "/monitoring/monitor/kind"),
    # Values that cannot be right.
    (["kafka.bootstrapServers=kafka"], "/kafka/bootstrapServers"),
    (["kafka.bootstrapServers=PLAINTEXT://kafka:9092"], "/kafka/bootstrapServers"),
    (["proxy.ports.http=80"], "/proxy/ports/http"),
    (["proxy.image.tag=latest"], "/proxy/image/tag"),
    (["proxy.resources.limits=null"], "/proxy/resources"),
    (["sink.connectors.a.config.topics=t", "sink.connectors.a.state=running"], "/sink/connectors/a/state"),
    (["sink.connectors.a.topics=t"], "additional properties 'topics' not allowed"),
    # What does not go together.
    (["proxy.enabled=false", "sink.enabled=false"], "proxy.enabled and sink.enabled: at least one of them"),
    (["proxy.peers.enabled=true"], "proxy.peers: secretName names the Secret"),
    (["proxy.ingress.enabled=true"], "proxy.ingress: hosts is empty"),
    (["proxy.gateway.enabled=true"], "proxy.gateway: parentRefs names the Gateway"),
    (["proxy.autoscaling.minReplicas=11"], "minReplicas is more than maxReplicas"),
    (["sink.connectors.a.config.flush\\.size=1"], "sink.connectors.a.config: topics or topics.regex is missing"),
    ([f"{CONNECTOR}.topics=t", f"{CONNECTOR}.name=b"], "name is b; leave it out"),
    ([f"{CONNECTOR}.topics=t", "sink.enabled=false"], "nothing runs them while sink.enabled is false"),
    # Lines that the chart writes.
    (["proxy.configurationOverrides.listeners=http://:1"], "listeners is set by the chart; use proxy.ports.http"),
    (["sink.configurationOverrides.group\\.id=g"], "group.id is set by the chart; use sink.groupId"),
    # Secrets.
    (["kafka.config.ssl\\.keystore\\.password=x"], "ssl.keystore.password is a secret and does not belong in values"),
    (["kafka.config.sasl\\.jaas\\.config=PlainLoginModule required password\\=\"x\";"], "(kafka.saslJaasConfig)"),
    ([f"{CONNECTOR}.topics=t", f"{CONNECTOR}.aws\\.secret\\.access\\.key=x"], "aws.secret.access.key is a secret"),
    (["proxy.configurationOverrides.schema\\.registry\\.basic\\.auth\\.user\\.info=a:b"], "user.info is a secret"),
    (["proxy.configurationOverrides.sluiceway\\.trace\\.otlp\\.headers=authorization\\=x"], "otlp.headers is a secret"),
    (["proxy.customEnv.KAFKA_REST_SSL_KEY_PASSWORD=x"], "proxy.customEnv: KAFKA_REST_SSL_KEY_PASSWORD is a secret"),
    (["sink.customEnv.CONNECT_SASL_JAAS_CONFIG=PlainLoginModule required password\\=\"x\";"], "CONNECT_SASL_JAAS_CONFIG is a secret"),
    (["proxy.customEnv.KAFKAREST_OPTS=-Djavax.net.ssl.trustStorePassword\\=x"], "KAFKAREST_OPTS is a secret"),
    (["sink.customEnv.SLUICEWAY_CONNECT_API_KEY=x"], "sink.customEnv: SLUICEWAY_CONNECT_API_KEY is a secret"),
    (["sink.restCredentials.token=x"], "additional properties 'token' not allowed"),
    (["test.proxyCredentials.tls.certKey=x"], "additional properties 'certKey' not allowed"),
    (["sink.restCredentials.tokenKey=token"], "sink.restCredentials: secretName is empty; tokenKey and apiKeyKey"),
    (["test.proxyCredentials.apiKeyKey=key"], "test.proxyCredentials: secretName is empty; tokenKey and apiKeyKey"),
    (["sink.restCredentials.tls.secretName=s"], "sink.restCredentials.tls: a certificate is shown over https only; it needs sink.tls.secretName"),
    (["test.proxyCredentials.tls.secretName=s"], "test.proxyCredentials.tls: a certificate is shown over https only; it needs proxy.tls.secretName"),
    (["sink.configurationOverrides.listeners\\.https\\.ssl\\.keystore\\.location=x"], "is set by the chart; use sink.tls.secretName"),
    (["sink.env[0].name=AWS_SECRET_ACCESS_KEY", "sink.env[0].value=x"], "(sink.env with valueFrom.secretKeyRef, or sink.envFrom)"),
]

# Variables that sound like secrets and hold none, or are references to Secrets.
TAKEN = [
    ["proxy.customEnv.KAFKA_REST_SSL_KEY_PASSWORD=${file:/etc/x:key}", "sink.customEnv.CONNECT_SASL_JAAS_CONFIG="],
    ["sink.customEnv.CONNECT_SASL_JAAS_CONFIG=PlainLoginModule required password\\=\"$(PASSWORD)\";"],
    ["proxy.customEnv.KAFKA_REST_SLUICEWAY_AUTHENTICATION_PASSWORD_FILE=/etc/users"],
    ["sink.env[0].name=AWS_SECRET_ACCESS_KEY", "sink.env[0].valueFrom.secretKeyRef.name=s3", "sink.env[0].valueFrom.secretKeyRef.key=secret"],
    # Over https to somebody in front of the proxy.
    ["test.proxyUrl=https://example.invalid", "test.proxyCredentials.tls.secretName=s"],
]
