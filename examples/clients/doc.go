// Package clients holds tests only: they show that other people's clients of
// Docker's API keep to one endpoint and one TLS decision with this library's
// transport. The folders below hold the shortest program for each client.
//
// # moby's client
//
//	client.New(client.WithHost(cfg.Host()), client.WithHTTPClient(cfg.HTTPClient()))
//
// The host comes first. In the other order WithHost replaces what our transport
// has for unencrypted connections: its dialer, and its proxy by the proxy
// variables. The endpoint and TLS stay as they were decided.
//
// # go-dockerclient
//
//	client, err := docker.NewClient(cfg.URL("")) // for sockets: cfg.Host()
//	client.HTTPClient = cfg.HTTPClient()
//	client.TLSConfig = cfg.TLSConfig()
//
// # Streams and proxies
//
// For exec and attach both clients open connections of their own. Those marked
// "directly" go past Options.Proxy, the proxy variables and Options.Dialer; TLS
// is the same there.
//
//	                           requests       exec and attach
//	moby, TLS                  by the Config  directly
//	moby, plain                by the Config  by the Config
//	moby, plain, host last     directly       directly
//	go-dockerclient            by the Config  directly
//	go-dockerclient, Dialer    by the Config  by the Config
//
// The last row leaves client.TLSConfig nil, in every mode, and sets
// client.Dialer to one whose Dial method calls Config.Dial: the streams then are
// what Config.Dial returns, TLS and proxy included.
//
// Over ssh: moby's client with the host first, and go-dockerclient with a Dialer,
// for both. In moby's other order, and for exec and attach of go-dockerclient
// without a Dialer, these clients look the address up as a name, and fail.
//
// Where only a proxy leads to the daemon, moby's client has no such way for
// streams over TLS: use Config.Dial.
package clients
