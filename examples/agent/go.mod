module github.com/dockertls/dockertls/examples/agent

go 1.26.0

require (
	github.com/dockertls/dockertls v0.0.0
	go.yaml.in/yaml/v3 v3.0.6
)

require (
	github.com/Microsoft/go-winio v0.6.2 // indirect
	github.com/docker/go-connections v0.8.2 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/dockertls/dockertls => ../..
