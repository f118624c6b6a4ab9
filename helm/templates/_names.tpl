{{/* Names and labels. Every name leaves room for the longest suffix (-sink-connectors) within 63 characters. */}}

{{- define "sluiceway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "sluiceway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- else if contains (include "sluiceway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 46 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sluiceway.name" .) | trunc 46 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels by which a component's pods are found: list of the root context and the component. */}}
{{- define "sluiceway.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "sluiceway.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "sluiceway.labels" -}}
{{- $root := index . 0 -}}
{{ include "sluiceway.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods: none that changes with the chart's version alone, for that would restart them. */}}
{{- define "sluiceway.podLabels" -}}
{{- $root := index . 0 -}}
{{ include "sluiceway.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The job of a component's metrics: begins with "sluiceway", for that is how the rules find it. */}}
{{- define "sluiceway.job" -}}
{{- $root := index . 0 -}}
{{- $name := include "sluiceway.fullname" $root -}}
{{- if not (hasPrefix "sluiceway" $name) -}}{{- $name = printf "sluiceway-%s" $name -}}{{- end -}}
{{- printf "%s-%s" $name (index . 1) -}}
{{- end -}}

{{/* list root, component: name of the component's service account */}}
{{- define "sluiceway.serviceAccount" -}}
{{- $root := index . 0 -}}
{{- $account := (index $root.Values (index . 1)).serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-%s" (include "sluiceway.fullname" $root) (index . 1)) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{/* list root, component: image with tag or digest */}}
{{- define "sluiceway.image" -}}
{{- $root := index . 0 -}}
{{- $image := (index $root.Values (index . 1)).image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "sluiceway.proxyUrl" -}}
{{- if .Values.test.proxyUrl -}}
{{- .Values.test.proxyUrl -}}
{{- else -}}
{{- printf "%s://%s-proxy.%s.svc:%v" (ternary "https" "http" (not (empty .Values.proxy.tls.secretName))) (include "sluiceway.fullname" .) .Release.Namespace .Values.proxy.service.port -}}
{{- end -}}
{{- end -}}

{{- define "sluiceway.connectUrl" -}}
{{- printf "%s://%s-sink.%s.svc:%v" (ternary "https" "http" (not (empty .Values.sink.tls.secretName))) (include "sluiceway.fullname" .) .Release.Namespace .Values.sink.ports.http -}}
{{- end -}}
