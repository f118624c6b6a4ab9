{{/* What the short-lived pods show to a REST API, and whom they trust. Each template takes a list: the root context, "proxy" or "connect". */}}

{{/* The credentials' values, and where their Secret and the server's authorities are mounted; YAML. */}}
{{- define "sluiceway.client" -}}
{{- $root := index . 0 -}}
{{- $client := dict "place" (printf "/etc/sluiceway/%s-client" (index . 1)) -}}
{{- if eq (index . 1) "proxy" -}}
{{- $_ := set $client "credentials" $root.Values.test.proxyCredentials -}}
{{- $_ := set $client "server" $root.Values.proxy.tls.secretName -}}
{{- $_ := set $client "serverCa" "ca.crt" -}}
{{- $_ := set $client "serverPlace" "/etc/sluiceway/tls" -}}
{{- else -}}
{{- $_ := set $client "credentials" $root.Values.sink.restCredentials -}}
{{- $_ := set $client "server" (and $root.Values.sink.tls.caKey $root.Values.sink.tls.secretName) -}}
{{- $_ := set $client "serverCa" $root.Values.sink.tls.caKey -}}
{{- $_ := set $client "serverPlace" "/etc/sluiceway/sink-tls" -}}
{{- end -}}
{{- if and $client.credentials.tls.secretName $client.credentials.tls.caKey -}}
{{- $_ := set $client "server" "" -}}
{{- end -}}
{{- $client | toYaml -}}
{{- end -}}

{{/* Variables; blank where the API asks for nothing. */}}
{{- define "sluiceway.clientEnv" -}}
{{- $prefix := printf "SLUICEWAY_%s" (index . 1 | upper) -}}
{{- $client := include "sluiceway.client" . | fromYaml -}}
{{- with $client.credentials }}
{{- if .secretName }}
{{- if .tokenKey }}
{{ include "sluiceway.secretEnv" (list (printf "%s_TOKEN" $prefix) .secretName .tokenKey) }}
{{- end }}
{{- if .apiKeyKey }}
{{ include "sluiceway.secretEnv" (list (printf "%s_API_KEY" $prefix) .secretName .apiKeyKey) }}
{{- end }}
{{- if not (or .tokenKey .apiKeyKey) }}
{{ include "sluiceway.secretEnv" (list (printf "%s_USER" $prefix) .secretName .userKey) }}
{{ include "sluiceway.secretEnv" (list (printf "%s_PASSWORD" $prefix) .secretName .passwordKey) }}
{{- end }}
{{- end }}
{{- if .tls.secretName }}
{{- range $file, $key := dict "CA_FILE" .tls.caKey "CERT_FILE" .tls.certificateKey "KEY_FILE" (ternary .tls.privateKeyKey "" (not (empty .tls.certificateKey))) }}
{{- if $key }}
- name: {{ $prefix }}_{{ $file }}
  value: {{ $client.place }}/{{ $key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if $client.server }}
- name: {{ $prefix }}_CA_FILE
  value: {{ $client.serverPlace }}/{{ $client.serverCa }}
{{- end }}
{{- end -}}

{{- define "sluiceway.clientMounts" -}}
{{- $client := include "sluiceway.client" . | fromYaml -}}
{{- if $client.credentials.tls.secretName }}
- name: {{ index . 1 }}-client
  mountPath: {{ $client.place }}
  readOnly: true
{{- end }}
{{- if $client.server }}
- name: {{ index . 1 }}-ca
  mountPath: {{ $client.serverPlace }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "sluiceway.clientVolumes" -}}
{{- $client := include "sluiceway.client" . | fromYaml -}}
{{- with $client.credentials.tls.secretName }}
{{ include "sluiceway.secretVolume" (list (printf "%s-client" (index $ 1)) .) }}
{{- end }}
{{- if $client.server }}
{{ include "sluiceway.secretVolume" (list (printf "%s-ca" (index . 1)) $client.server) }}
    # Not the server's private key.
    items:
      - key: {{ $client.serverCa }}
        path: {{ $client.serverCa }}
{{- end }}
{{- end -}}
