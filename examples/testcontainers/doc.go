// Command testcontainers runs a container with testcontainers-go on the daemon
// that docker's flags, variables and contexts choose.
//
//	go run . -H tcp://box:2376 --tlsverify busybox echo hello
//
// # What testcontainers-go does by itself
//
// As of v0.45.0 none of its functions takes a client, a transport or a TLS
// configuration for good:
//
//   - NewDockerProvider has no option for the client. It calls
//     core.ExtractDockerHost, which reads tc.host of ~/.testcontainers.properties,
//     DOCKER_HOST, the docker context's address and default sockets, asks each for
//     its info with client.FromEnv, and keeps the first answer for the life of the
//     process. core.NewClient then makes the client, from client.FromEnv,
//     DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. A context's TLS files are not read.
//   - NewDockerClientWithOpts takes client options, after the same discovery, and
//     only for the client that it returns; no provider uses that one.
//   - DockerProvider.SetClient sets one provider's client. That provider pings,
//     lists and pulls with it, but CreateContainer and CreateNetwork look for the
//     reaper (reaperSpawner.lookupContainer), which makes its own client by the
//     rules above. Only NewDockerProvider's configuration can switch the reaper
//     off.
//
// # What works
//
// RegisterProvider takes a runtime with an address of its own, for which no
// variable counts; but it is spoken to in plain HTTP, because there is no place
// for TLS. So this program gives it a unix socket in a folder that only this user
// can enter, and carries each connection on through [dockertls.Config.Dial]:
// everything in testcontainers-go goes that way, the reaper included, and the
// process's environment stays as it is. A failure comes back as the daemon's
// answer, with the diagnosis as its text.
//
// A registered runtime is chosen by TESTCONTAINERS_PROVIDER or a properties file,
// or in code by ProviderPodman.GetProvider, the only ProviderType that may be
// registered: hence the name. The choice is for the process, as is everything that
// testcontainers-go finds out: one daemon in one process. For several, or for tests
// that should not know of this, start a child:
//
//	go run ../run --context prod -- go test ./...
//
// Whether there is a reaper is for testcontainers-go's own settings to say
// (TESTCONTAINERS_RYUK_DISABLED). It mounts the daemon's socket, which is taken to
// be /var/run/docker.sock.
package main
