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

{{/* list prefix of the variables, credentials: user and password of a REST API, where there is a Secret of them */}}
{{- define "sluiceway.credentialsEnv" -}}
{{- $prefix := index . 0 -}}
{{- with index . 1 -}}
{{- if .secretName -}}
{{ include "sluiceway.secretEnv" (list (printf "%s_USER" $prefix) .secretName .userKey) }}
{{ include "sluiceway.secretEnv" (list (printf "%s_PASSWORD" $prefix) .secretName .passwordKey) }}
{{- end -}}
{{- end -}}
{{- end -}}
