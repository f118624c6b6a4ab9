{{/* The workers' environment besides their names: log, Kafka's login, what the user gave. */}}
{{- define "sluiceway.sinkEnv" -}}
{{- include "sluiceway.logEnv" .Values.sink }}
{{- with .Values.kafka.saslJaasConfig }}
{{- if .secretName }}
{{- $jaas := . }}
{{- range $role := list "" "CONSUMER_" "PRODUCER_" "ADMIN_" }}
{{ include "sluiceway.secretEnv" (list (printf "CONNECT_%sSASL_JAAS_CONFIG" $role) $jaas.secretName $jaas.key) }}
{{- end }}
{{- end }}
{{- end }}
{{- include "sluiceway.userEnv" .Values.sink }}
{{- end -}}
