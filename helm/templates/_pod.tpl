{{/* What the pods have in common. All run as nobody, on a read-only file system, without rights. */}}

{{- define "sluiceway.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "sluiceway.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* list root, component: the head of a pod's spec */}}
{{- define "sluiceway.podHead" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ include "sluiceway.serviceAccount" . }}
automountServiceAccountToken: false
# A service called kafka-rest would set KAFKA_REST_PORT, which is a setting.
enableServiceLinks: false
securityContext:
  {{- include "sluiceway.podSecurityContext" . | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* list root, component: where pods go */}}
{{- define "sluiceway.placement" -}}
{{- $root := index . 0 -}}
{{- $selector := include "sluiceway.selector" . | fromYaml -}}
{{- with index $root.Values (index . 1) -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" $selector)) | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A component's values: the three probes, on the admin listener. */}}
{{- define "sluiceway.probes" -}}
startupProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: 1
  timeoutSeconds: {{ .probes.timeoutSeconds }}
  failureThreshold: {{ .probes.startupSeconds }}
livenessProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: {{ .probes.periodSeconds }}
  timeoutSeconds: {{ .probes.timeoutSeconds }}
  failureThreshold: {{ .probes.failureThreshold }}
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: {{ .probes.periodSeconds }}
  timeoutSeconds: {{ .probes.timeoutSeconds }}
  failureThreshold: {{ .probes.failureThreshold }}
{{- end -}}

{{/* A component's values: environment that the user gave. */}}
{{- define "sluiceway.userEnv" -}}
{{- range $name, $value := .customEnv }}
- name: {{ $name }}
  value: {{ include "sluiceway.scalar" $value | quote }}
{{- end }}
{{- with .env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A component's values: log settings. */}}
{{- define "sluiceway.logEnv" -}}
- name: SLUICEWAY_LOG_FORMAT
  value: {{ .logFormat }}
{{- with .logLevels }}
- name: RUST_LOG
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* list name of a variable, secret, key */}}
{{- define "sluiceway.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end -}}

{{/* list name, secret: a volume of a secret's keys */}}
{{- define "sluiceway.secretVolume" -}}
- name: {{ index . 0 }}
  secret:
    secretName: {{ index . 1 }}
    defaultMode: 0440
{{- end -}}

{{/* Resources of the short-lived pods: they ask over HTTP and wait. */}}
{{- define "sluiceway.smallResources" -}}
requests:
  cpu: 50m
  memory: 32Mi
limits:
  cpu: 500m
  memory: 128Mi
{{- end -}}
