// Package docstest runs the commands of Markdown pages, so that what a page tells
// its readers to type is known to work. It is for tests only.
//
// The commands of a page are its fenced blocks of language sh. [Page.Run] runs
// them in their order in one shell, as a reader does who copies one after the
// other into a terminal: variables and the working folder carry over, and the
// first command that fails ends it. Words after "sh", which no reader sees, say
// how:
//
//	```sh          run always
//	```sh openssl  run in sessions that go the way "openssl": any word will do,
//	               and of several one is enough
//	```sh server   a program that goes on, for which a reader has another terminal;
//	               the next server, or the end of the page, ends it
//	```sh fails    its last command must fail
//
// A block of language text right after one with commands is what those print:
// its lines are found in their output in this order, where "..." stands for
// anything. Blocks of language go are compared by [Page.CheckCode] with files that
// compile. Page.Labels tells what blocks there are, so that a test fails when one
// comes to a page that no test looks at.
//
// A test of a page looks like this:
//
//	page := docstest.Read(t, "../../docs/certificates.md")
//	page.CheckLinks(t)
//	page.Run(t, docstest.Session{Dir: "../..", Ways: []string{"openssl"}, Set: map[string]string{"PORT": port}})
package docstest
