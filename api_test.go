package dockertls

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What other modules can name is written down, so that no change of it goes
// unnoticed: what was taken away or has changed breaks them. It is the same on
// every system.
func TestAPI(t *testing.T) {
	t.Parallel()
	surface := apiOf(t, "linux")
	for _, system := range []string{"windows", "darwin", "freebsd"} {
		if diff := cmp.Diff(surface, apiOf(t, system)); diff != "" {
			t.Errorf("-linux +%s:\n%s", system, diff)
		}
	}
	golden(t, filepath.Join("testdata", "api.golden"), surface)
}

// apiOf lists the exported names of the public packages, one a line.
func apiOf(t *testing.T, system string) string {
	t.Helper()
	const module = "github.com/dockertls/dockertls"
	var lines []string
	known := importer{}
	for _, dir := range []string{".", "dockertlstest"} { // the second imports the first
		pkg, err := checkPackage(known, path.Join(module, dir), dir, system)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, exported(pkg)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

// checkPackage reads the declarations of a package. Nothing is compiled and
// nothing of other modules is read, so that what is listed does not depend on
// the version of Go.
func checkPackage(known importer, path, dir, system string) (*types.Package, error) {
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled = system, "amd64", false
	listed, err := ctx.ImportDir(dir, 0)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range listed.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		known.learn(file)
		files = append(files, file)
	}
	// What needs more of other packages than their types' names goes wrong, and is left out.
	conf := types.Config{Importer: known, IgnoreFuncBodies: true, Error: func(error) {}}
	pkg, _ := conf.Check(path, fset, files, nil)
	known[path] = pkg
	return pkg, nil
}

// An importer knows of other packages no more than the names that files take
// from them, all of which it holds for types.
type importer map[string]*types.Package

func (m importer) Import(path string) (*types.Package, error) { return m[path], nil }

func (m importer) learn(file *ast.File) {
	imported := map[string]*types.Package{} // by the name it has in the file
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if m[path] == nil {
			m[path] = types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
			m[path].MarkComplete()
		}
		name := m[path].Name()
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = m[path]
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := sel.X.(*ast.Ident); ok && imported[of.Name] != nil {
				pkg := imported[of.Name]
				name := types.NewTypeName(token.NoPos, pkg, sel.Sel.Name, nil)
				types.NewNamed(name, types.NewStruct(nil, nil), nil)
				pkg.Scope().Insert(name) // keeps what is there
			}
		}
		return true
	})
}

// exported lists a package's exported names, each with all that others may use
// of it.
func exported(pkg *types.Package) []string {
	qualify := func(other *types.Package) string {
		if other == pkg {
			return ""
		}
		return other.Name()
	}
	text := func(t types.Type) string { return types.TypeString(t, qualify) }
	lines := []string{"package " + pkg.Name()}
	for _, name := range pkg.Scope().Names() { // sorted
		object := pkg.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		switch o := object.(type) {
		case *types.Const:
			lines = append(lines, fmt.Sprintf("const %s %s = %s", name, text(o.Type()), o.Val().ExactString()))
		case *types.Var:
			lines = append(lines, fmt.Sprintf("var %s %s", name, text(o.Type())))
		case *types.Func:
			lines = append(lines, "func "+name+signature(o, text))
		case *types.TypeName:
			lines = append(lines, typeLines(o, text)...)
		}
	}
	return lines
}

func typeLines(name *types.TypeName, text func(types.Type) string) []string {
	head := "type " + name.Name()
	if name.IsAlias() {
		return []string{head + " = " + text(types.Unalias(name.Type()))}
	}
	fields, isStruct := name.Type().Underlying().(*types.Struct)
	iface, isInterface := name.Type().Underlying().(*types.Interface)
	switch {
	case isStruct:
		head += " struct"
	case isInterface:
		head += " interface"
	default:
		head += " " + text(name.Type().Underlying())
	}
	lines := []string{head}
	for i := 0; isStruct && i < fields.NumFields(); i++ {
		f := fields.Field(i)
		switch {
		case !f.Exported():
			continue
		case f.Embedded():
			lines = append(lines, "\tembeds "+text(f.Type()))
		default:
			lines = append(lines, strings.TrimRight(fmt.Sprintf("\tfield %s %s %s", f.Name(), text(f.Type()), quoted(fields.Tag(i))), " "))
		}
	}
	if isInterface {
		for m := range iface.Methods() {
			if m.Exported() {
				lines = append(lines, "\tmethod "+m.Name()+signature(m, text))
			} else {
				lines = append(lines, "\tnot for others to implement")
			}
		}
		return lines
	}
	// With those of what is embedded, exported or not.
	var methods []string
	for m := range types.NewMethodSet(types.NewPointer(name.Type())).Methods() {
		if f := m.Obj().(*types.Func); f.Exported() {
			receiver := "*"
			if types.NewMethodSet(name.Type()).Lookup(f.Pkg(), f.Name()) != nil {
				receiver = ""
			}
			methods = append(methods, fmt.Sprintf("\tmethod (%s%s) %s%s", receiver, name.Name(), f.Name(), signature(f, text)))
		}
	}
	slices.Sort(methods)
	return append(lines, methods...)
}

// signature leaves out the names of parameters, on which nobody depends.
func signature(f *types.Func, text func(types.Type) string) string {
	bare := func(vars *types.Tuple) *types.Tuple {
		var of []*types.Var
		for v := range vars.Variables() {
			of = append(of, types.NewParam(token.NoPos, nil, "", v.Type()))
		}
		return types.NewTuple(of...)
	}
	s := f.Signature()
	return strings.TrimPrefix(text(types.NewSignatureType(nil, nil, nil, bare(s.Params()), bare(s.Results()), s.Variadic())), "func")
}

func quoted(tag string) string {
	if tag == "" {
		return ""
	}
	return "`" + tag + "`"
}
