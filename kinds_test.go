package dockertls

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated files anew")

// The kinds are a promise: a new one is added to the golden file, none is
// renamed or removed.
func TestKindsAreStable(t *testing.T) {
	kinds := declaredKinds(t)
	path := filepath.Join("testdata", "kinds.golden")
	promised, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range strings.Fields(string(promised)) {
		if !slices.Contains(kinds, kind) {
			t.Fatalf("the kind %s was promised, and is gone", kind)
		}
	}
	golden(t, path, strings.Join(kinds, "\n")+"\n")
}

// Every kind has its entry in the table.
func TestKindTable(t *testing.T) {
	var listed []string
	for _, group := range kindTable() {
		for _, e := range group.kinds {
			listed = append(listed, string(e.kind))
			if e.means == "" || e.try == "" {
				t.Errorf("%s: nothing is said of it", e.kind)
			}
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(declaredKinds(t), listed); diff != "" {
		t.Errorf("kinds in the code, and in the table:\n%s", diff)
	}
}

func TestDiagnosticsPage(t *testing.T) {
	golden(t, filepath.Join("docs", "diagnostics.md"), diagnosticsPage())
}

// golden compares a file with what it should be, or writes it.
func golden(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.ReplaceAll(string(got), "\r\n", "\n"), "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("%s (-file +code); go test -update . writes it:\n%s", path, diff)
	}
}

// declaredKinds are the values of the constants of type Kind, sorted.
func declaredKinds(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Kind" {
				kinds = append(kinds, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	slices.Sort(kinds)
	return kinds
}
