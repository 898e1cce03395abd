package dockertls

import (
	"os"
	"path/filepath"
	"testing"
)

// A context that is not there, or cannot be read, is explained by what is there.
func TestContextErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ask := func(name string) error { return resolveError(Options{Context: name, ConfigDir: dir}) }
	wantExplained(t, ask("prod"), ContextNotFound, "no context is stored there")

	put := func(name, meta string) {
		path := newContextFolder(dir, name).meta
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte(meta), 0o600))
	}
	put("prod", metaOf("tcp://box:1"))
	put("broken", "{")
	put("nameless", "{}")
	wantExplained(t, ask("staging"), ContextNotFound, `there are "prod"`)
	wantExplained(t, ask("Prod"), ContextNotFound, `did you mean "prod"?`)
	wantExplained(t, ask("broken"), ContextInvalid)

	check(t, os.MkdirAll(newContextFolder(dir, "folder").meta, 0o700))
	wantExplained(t, ask("folder"), FileUnreadable, "meta.json: ")

	put("nohost", metaOf("tcp://:1")) // localhost, in the clear; with TLS a name must be verified
	check(t, os.MkdirAll(filepath.Join(newContextFolder(dir, "nohost").tls, "docker"), 0o700))
	wantExplained(t, ask("nohost"), HostInvalid, "no host name", "context")
}
