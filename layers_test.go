package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mayImport are the packages of this module and those that each may import of it.
// The three leaves, without any, know nothing of each other.
var mayImport = map[string][]string{
	"mgr":                {"mgr/aliases", "mgr/manager", "mgr/server"},
	"mgr/manager":        {"mgr/aliases", "mgr/pidfile", "mgr/server", "mgr/server/logtail"},
	"mgr/server":         {"mgr/aliases", "mgr/conftree", "mgr/pidfile", "mgr/server/logtail"},
	"mgr/server/logtail": {"mgr/pidfile"},
	"mgr/aliases":        nil,
	"mgr/conftree":       nil,
	"mgr/pidfile":        nil,
}

// homes are the libraries that some packages alone may know; nil: tests alone do.
var homes = map[string][]string{
	"github.com/urfave/cli/v2":       {"mgr"},
	"golang.org/x/term":              {"mgr"},
	"github.com/gobwas/glob":         {"mgr/aliases"},
	"github.com/xrash/smetrics":      {"mgr/aliases"},
	"gopkg.in/ini.v1":                {"mgr/aliases", "mgr/conftree"},
	"golang.org/x/text/width":        {"mgr/manager"},
	"github.com/google/go-cmp/cmp":   nil,
	"github.com/shirou/gopsutil/v3/": {"mgr/pidfile"},
}

// mainOnly are what only package main asks the operating system for.
var mainOnly = []string{"os.Exit", "os.Getenv", "os.LookupEnv", "os.Stdin", "os.Stdout", "fmt.Print", "fmt.Printf", "fmt.Println"}

// TestLayers keeps to who may know whom, which the package comments promise.
func TestLayers(t *testing.T) {
	files := sources(t)
	seen := map[string]bool{}
	for _, f := range files {
		seen[f.pkg] = true
		for _, imp := range f.imports() {
			for _, wrong := range f.wrongImport(imp) {
				t.Errorf("%s: %s", f.name, wrong)
			}
		}
		if f.test {
			continue
		}
		for _, use := range f.uses() {
			if f.pkg != "mgr" && slices.Contains(mainOnly, use) {
				t.Errorf("%s: %s is for package main", f.name, use)
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(mayImport)), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

// TestOneExit: whatever else ends the process would leave out what is deferred.
func TestOneExit(t *testing.T) {
	for _, f := range sources(t) {
		for _, d := range f.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || f.test {
				continue
			}
			if fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s: a func init", f.name)
			}
			if slices.Contains(selectors(fn), "os.Exit") && (f.name != "main.go" || fn.Name.Name != "main") {
				t.Errorf("%s: %s exits", f.name, fn.Name.Name)
			}
		}
	}
}

// A goFile is one source file of the module.
type goFile struct {
	name string // below the module's root
	pkg  string // import path
	test bool
	file *ast.File
}

// sources parses all of the module but testdata.
func sources(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || len(name) > 1 && strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		files = append(files, goFile{name, path.Join("mgr", filepath.Dir(name)), strings.HasSuffix(name, "_test.go"), parsed})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (f goFile) imports() []string {
	var paths []string
	for _, imp := range f.file.Imports {
		paths = append(paths, strings.Trim(imp.Path.Value, `"`))
	}
	return paths
}

// wrongImport says what is wrong with an import of the file.
func (f goFile) wrongImport(imp string) (wrong []string) {
	of := slices.Contains(mayImport[f.pkg], imp) || f.test && imp == f.pkg // package x_test
	if strings.HasPrefix(imp, "mgr/") && !of {
		wrong = append(wrong, fmt.Sprintf("%s imports %s", f.pkg, imp))
	}
	for library, home := range homes {
		if strings.HasPrefix(imp, library) && !f.test && !slices.Contains(home, f.pkg) {
			wrong = append(wrong, fmt.Sprintf("%s is for %v and tests", imp, home))
		}
	}
	return wrong
}

// uses are what the file has of other packages: os.Exit.
func (f goFile) uses() []string { return selectors(f.file) }

// selectors are the x.Y in a piece of code.
func selectors(node ast.Node) []string {
	var out []string
	ast.Inspect(node, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				out = append(out, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return out
}
