{{/* At most 40 characters: with -worker, and the 11 that a StatefulSet adds for its revision label, it stays below 63. */}}
{{- define "health-relay.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* What never changes with a release of chart or image: selectors are immutable. */}}
{{- define "health-relay.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "health-relay.labels" -}}
{{ include "health-relay.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") | trunc 63 }}
{{- end }}

{{- define "health-relay.image" -}}
{{- $repository := required "image.repository: the image of infra/Dockerfile in a registry of yours" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "health-relay.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "health-relay.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* Where relay.yaml comes from. Mounted as a folder and never as a subPath: only there a change arrives. */}}
{{- define "health-relay.configSource" -}}
{{- with .Values.config -}}
{{- if ne 1 (len (compact (list .text .existingConfigMap .existingSecret))) -}}
{{- fail "config: set exactly one of text (--set-file config.text=relay.yaml), existingConfigMap and existingSecret" -}}
{{- end -}}
{{- end -}}
{{- if .Values.config.existingSecret -}}
secret:
  secretName: {{ .Values.config.existingSecret }}
{{- else -}}
configMap:
  name: {{ .Values.config.existingConfigMap | default (include "health-relay.fullname" .) }}
{{- end }}
{{- end }}

{{- define "health-relay.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "health-relay.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
