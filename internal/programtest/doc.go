// Package programtest finds and starts the programs that tests need, such as a
// web server. It is for tests only.
//
// Where a program is missing, the test is skipped, with a sentence that says
// how to get it. With DOCKERTLS_REQUIRE=1, as in CI, it fails.
package programtest
