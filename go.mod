module github.com/dockertls/dockertls

go 1.26

require (
	github.com/docker/go-connections v0.8.2
	github.com/google/go-cmp v0.7.0
	golang.org/x/net v0.62.0
)
