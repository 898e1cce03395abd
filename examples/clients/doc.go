// Package clients holds tests only: they show that other people's clients of
// Docker's API keep to one endpoint and one TLS decision with this library's
// transport. The folders below hold the shortest program for each client.
//
// # moby's client
//
//	client.New(client.WithHost(cfg.Host()), client.WithHTTPClient(cfg.HTTPClient()))
//
// The host comes first. In the other order WithHost replaces our dialer and our
// proxy: TLS stays as it was decided, but a plain connection, and only that,
// then goes past Options.Dialer and Options.Proxy, and follows HTTP_PROXY instead.
//
// # go-dockerclient
//
//	client, err := docker.NewClient(cfg.URL("")) // for sockets and in plain mode: cfg.Host()
//	client.HTTPClient = cfg.HTTPClient()
//	client.TLSConfig = cfg.TLSConfig()
//
// # Streams and proxies
//
// For exec and attach both clients open a connection of their own:
//
//	                          requests    exec and attach
//	moby, TLS                 as decided  directly, with our TLSConfig
//	moby, plain               as decided  as decided
//	moby, plain, host last    directly    directly
//	go-dockerclient           as decided  directly, with our TLSConfig
//	go-dockerclient, Dialer   as decided  as decided
//
// Directly means: not through Options.Proxy, the proxy variables or
// Options.Dialer. The last row is for a Dialer that calls Config.Dial, with
// TLSConfig left nil; it is right in every mode.
package clients
