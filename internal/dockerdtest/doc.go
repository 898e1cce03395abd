// Package dockerdtest starts real Docker daemons and makes what they need: certificates as Docker's
// documentation makes them, and an image that needs no registry. It is for tests and
// measurements only.
//
// Two daemons are known, the one of Debian 12 and a current one; between them lie five years in
// which the daemon's TLS, its HTTP server and its API changed. They run as root, on loopback and
// on a unix socket, each in a folder of its own, so several run side by side.
//
// Where something is missing (a daemon, busybox, openssl, being root on Linux), the test is
// skipped, with a sentence that says how to get it. With DOCKERTLS_REQUIRE=1, as in CI, it fails.
package dockerdtest
