// Package deploy holds tests only: that what operators start Presage with is right without starting it. compose.yaml is loaded
// as Docker Compose does, the manifests are decoded strictly into Kubernetes' own types, alerts and dashboard are parsed as Prometheus does
// and ask only for metrics that Presage registers, every alert is shown to fire and to be silent on Prometheus' engine, the dashboard is decoded
// strictly into Grafana's types, and the configurations in all of them are valid.
//
// In: compose.yaml and deploy/. Nothing here needs Docker, a cluster or a network. With PRESAGE_TEST_IMAGE=1 the binary is also built by
// the Dockerfile's own command, which takes minutes, and run in an empty folder. That the command lines given there exist is tested in
// cmd/presage.
package deploy
