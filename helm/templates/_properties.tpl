{{/* Java properties out of values. */}}

{{/* A value as text: whole numbers without exponent (values files hold numbers as floats). */}}
{{- define "sluiceway.scalar" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* Lines key=value, sorted by key; a null leaves its key out. */}}
{{- define "sluiceway.properties" -}}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }}={{ include "sluiceway.scalar" $value | replace "\\" "\\\\" | replace "\n" "\\n" }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Settings of Kafka clients with the stores that are mounted; YAML. */}}
{{- define "sluiceway.kafkaConfig" -}}
{{- $config := dict -}}
{{- with .Values.kafka.tls -}}
{{- if .secretName -}}
{{- if .caKey -}}
{{- $_ := set $config "ssl.truststore.type" "PEM" -}}
{{- $_ := set $config "ssl.truststore.location" (printf "/etc/sluiceway/kafka-tls/%s" .caKey) -}}
{{- end -}}
{{- if .keystoreKey -}}
{{- $_ := set $config "ssl.keystore.type" "PEM" -}}
{{- $_ := set $config "ssl.keystore.location" (printf "/etc/sluiceway/kafka-tls/%s" .keystoreKey) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $config .Values.kafka.config | toYaml -}}
{{- end -}}

{{/* kafka-rest.properties */}}
{{- define "sluiceway.proxyProperties" -}}
{{- $config := dict "bootstrap.servers" .Values.kafka.bootstrapServers -}}
{{- $http := int .Values.proxy.ports.http -}}
{{- $_ := set $config "listeners" (printf "http://0.0.0.0:%d" $http) -}}
{{- $peers := $http -}}
{{- if .Values.proxy.tls.secretName -}}
{{- $_ := set $config "listeners" (printf "https://0.0.0.0:%d" $http) -}}
{{- $_ := set $config "ssl.keystore.type" "PEM" -}}
{{- $_ := set $config "ssl.keystore.location" (printf "/etc/sluiceway/tls/%s" .Values.proxy.tls.keystoreKey) -}}
{{- $_ := set $config "ssl.keystore.reload" "true" -}}
{{- if .Values.proxy.peers.enabled -}}
{{- $peers = int .Values.proxy.ports.peers -}}
{{- $_ := set $config "listeners" (printf "https://0.0.0.0:%d,http://0.0.0.0:%d" $http $peers) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $config "sluiceway.admin.listeners" (printf "http://0.0.0.0:%d" (int .Values.proxy.ports.admin)) -}}
{{- $_ := set $config "shutdown.graceful.ms" (mul 1000 .Values.proxy.drainSeconds) -}}
{{- $_ := set $config "schema.registry.url" .Values.proxy.schemaRegistryUrl -}}
{{- if .Values.proxy.peers.enabled -}}
{{- $_ := set $config "sluiceway.peers" (printf "%s-proxy-peers.%s.svc:%d" (include "sluiceway.fullname" .) .Release.Namespace $peers) -}}
{{- end -}}
{{- range $key, $value := include "sluiceway.kafkaConfig" . | fromYaml -}}
{{- $_ := set $config (printf "client.%s" $key) $value -}}
{{- end -}}
{{- include "sluiceway.properties" (mergeOverwrite $config .Values.proxy.configurationOverrides) | trim -}}
{{- end -}}

{{/* Group of the workers; also begins the names of their topics. */}}
{{- define "sluiceway.groupId" -}}
{{- default (printf "%s-sink" (include "sluiceway.fullname" .)) .Values.sink.groupId -}}
{{- end -}}

{{/* connect-distributed.properties */}}
{{- define "sluiceway.workerProperties" -}}
{{- $group := include "sluiceway.groupId" . -}}
{{- $topics := .Values.sink.storageTopics -}}
{{- $config := dict "bootstrap.servers" .Values.kafka.bootstrapServers "group.id" $group -}}
{{- range $kind := list "config" "offset" "status" -}}
{{- $plural := ternary $kind (printf "%ss" $kind) (eq $kind "status") -}}
{{- $_ := set $config (printf "%s.storage.topic" $kind) (default (printf "%s-%s" $group $plural) (index $topics $kind)) -}}
{{- $_ := set $config (printf "%s.storage.replication.factor" $kind) $topics.replicationFactor -}}
{{- end -}}
{{- $_ := set $config "key.converter" "org.apache.kafka.connect.storage.StringConverter" -}}
{{- $_ := set $config "value.converter" "org.apache.kafka.connect.json.JsonConverter" -}}
{{- $_ := set $config "value.converter.schemas.enable" "false" -}}
{{- $_ := set $config "listeners" (printf "http://0.0.0.0:%d" (int .Values.sink.ports.http)) -}}
{{- with .Values.sink.tls -}}
{{- if .secretName -}}
{{- $_ := set $config "listeners" (printf "https://0.0.0.0:%d" (int $.Values.sink.ports.http)) -}}
{{- $_ := set $config "listeners.https.ssl.keystore.type" "PEM" -}}
{{- $_ := set $config "listeners.https.ssl.keystore.location" (printf "/etc/sluiceway/sink-tls/%s" .keystoreKey) -}}
{{- $_ := set $config "listeners.https.ssl.keystore.reload" "true" -}}
{{- if .caKey -}}
{{- $_ := set $config "listeners.https.ssl.truststore.type" "PEM" -}}
{{- $_ := set $config "listeners.https.ssl.truststore.location" (printf "/etc/sluiceway/sink-tls/%s" .caKey) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set $config "rest.advertised.port" .Values.sink.ports.http -}}
{{- $_ := set $config "sluiceway.admin.listeners" (printf "http://0.0.0.0:%d" (int .Values.sink.ports.admin)) -}}
{{- $_ := set $config "task.shutdown.graceful.timeout.ms" (mul 1000 .Values.sink.drainSeconds) -}}
{{- if .Values.sink.secrets -}}
{{- $_ := set $config "config.providers" "dir" -}}
{{- $_ := set $config "config.providers.dir.class" "org.apache.kafka.common.config.provider.DirectoryConfigProvider" -}}
{{- $_ := set $config "config.providers.dir.param.allowed.paths" "/etc/sluiceway/secrets" -}}
{{- end -}}
{{- range $key, $value := include "sluiceway.kafkaConfig" . | fromYaml -}}
{{- range $role := list "" "consumer." "producer." "admin." -}}
{{- $_ := set $config (printf "%s%s" $role $key) $value -}}
{{- end -}}
{{- end -}}
{{- include "sluiceway.properties" (mergeOverwrite $config .Values.sink.configurationOverrides) | trim -}}
{{- end -}}

{{/* list name, declaration: a connector file (JSON) */}}
{{- define "sluiceway.connector" -}}
{{- $declared := index . 1 -}}
{{- $config := dict -}}
{{- range $key, $value := merge (deepCopy $declared.config) (dict "connector.class" "io.confluent.connect.s3.S3SinkConnector") -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $config $key (include "sluiceway.scalar" $value) -}}
{{- end -}}
{{- end -}}
{{- $connector := dict "name" (index . 0) "config" $config -}}
{{- with $declared.state -}}
{{- $_ := set $connector "initial_state" . -}}
{{- end -}}
{{- $connector | toPrettyJson -}}
{{- end -}}

{{/* The connector of `helm test`: to the bucket of the first declared one, unless test.connector says otherwise. */}}
{{- define "sluiceway.trialConnector" -}}
{{- $config := dict "tasks.max" "1" "flush.size" "1" "topics" .Values.test.topic "topics.dir" "sluiceway-trial" -}}
{{- $_ := set $config "key.converter" "org.apache.kafka.connect.storage.StringConverter" -}}
{{- $_ := set $config "value.converter" "org.apache.kafka.connect.json.JsonConverter" -}}
{{- $_ := set $config "value.converter.schemas.enable" "false" -}}
{{- $_ := set $config "format.class" "io.confluent.connect.s3.format.json.JsonFormat" -}}
{{- $_ := set $config "storage.class" "io.confluent.connect.s3.storage.S3Storage" -}}
{{- $_ := set $config "schema.compatibility" "NONE" -}}
{{- $name := keys .Values.sink.connectors | sortAlpha | first -}}
{{- if $name -}}
{{- range $key, $value := (index .Values.sink.connectors $name).config -}}
{{- if or (has $key (list "s3.bucket.name" "s3.region" "store.url" "s3.path.style.access.enabled")) (hasPrefix "aws." $key) (hasPrefix "s3.credentials." $key) (hasPrefix "s3.sse" $key) -}}
{{- $_ := set $config $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "sluiceway.connector" (list (printf "%s-trial" (include "sluiceway.fullname" .)) (dict "config" (mergeOverwrite $config .Values.test.connector))) -}}
{{- end -}}
