{{/* The pods of api and worker. Takes root, component, role, settings (of the values), spool (is it mounted?) and surges (is a new pod there before the old one goes?). */}}
{{- define "health-relay.pod" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $isApi := eq .component "api" -}}
metadata:
  labels:
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "health-relay.selector" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- if $values.workloadIdentity.clientId }}
    azure.workload.identity/use: "true"
    {{- end }}
  {{- if or $values.podAnnotations (and $values.config.restartOnChange $values.config.text) }}
  annotations:
    {{- if and $values.config.restartOnChange $values.config.text }}
    checksum/config: {{ sha256sum $values.config.text }}
    {{- end }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "health-relay.serviceAccountName" $root }}
  # The relay never calls Kubernetes. Workload identity brings a token of its own.
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- include "health-relay.podSecurityContext" $root | nindent 4 }}
  # The relay ends within 14 s (docs/operate.md, Shutdown) and asks for 30; before that an api still takes calls for 10.
  terminationGracePeriodSeconds: {{ ternary 40 30 $isApi }}
  topologySpreadConstraints:
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "health-relay.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $.component }}
      {{- if $.surges }}
      # In a roll-out the pods that are about to go do not count.
      matchLabelKeys: [pod-template-hash]
      {{- end }}
    {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: relay
      image: {{ include "health-relay.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      securityContext:
        {{- include "health-relay.containerSecurityContext" $root | nindent 8 }}
      ports:
        - name: http
          containerPort: 8080
      {{- with $values.secrets }}
      envFrom:
        {{- range . }}
        - secretRef:
            name: {{ . }}
        {{- end }}
      {{- end }}
      env:
        - name: RELAY_ROLE
          value: {{ .role }}
        - name: RELAY_CONFIG
          value: /etc/relay/relay.yaml
        - name: HOST
          value: 0.0.0.0
        - name: PORT
          value: "8080"
        {{- if .spool }}
        - name: RELAY_SPOOL_DIR
          value: /var/lib/relay/spool
        {{- end }}
        {{- with $values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      # Five minutes: the first process to start migrates the database, the others wait for it.
      startupProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: 150
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- if $isApi }}
      # Not /readyz: it is 503 when a signal can be kept nowhere, which has mostly the same cause in every pod. All would leave the
      # Service at once, and with them the answers that Azure repeats (503) and the pagers that are opened directly.
      readinessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      lifecycle:
        # After SIGTERM nothing is accepted any more: first the pod must be out of every load balancer.
        preStop:
          sleep: { seconds: 10 }
      {{- else }}
      # Takes no calls: readiness only tells a roll-out that this worker reaches Postgres.
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- end }}
      resources:
        {{- toYaml .settings.resources | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/relay
          readOnly: true
        - name: tmp
          mountPath: /tmp
        {{- if .spool }}
        - name: spool
          mountPath: /var/lib/relay/spool
        {{- end }}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      {{- include "health-relay.configSource" $root | nindent 6 }}
    - name: tmp
      emptyDir: { sizeLimit: 128Mi }
    {{- if and .spool $values.spool.existingClaim }}
    - name: spool
      persistentVolumeClaim:
        claimName: {{ $values.spool.existingClaim }}
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
