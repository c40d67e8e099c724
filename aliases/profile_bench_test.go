package aliases

import "testing"

// BenchmarkLoad reads the built-in profile, as every run of mgr does.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(Source{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExpandAll is what most commands ask for.
func BenchmarkExpandAll(b *testing.B) {
	p, err := Load(Source{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if targets, errs := p.Expand(Selection{Words: []string{"all"}}); len(targets) != len(p.Programs) || len(errs) > 0 {
			b.Fatal(len(targets), errs)
		}
	}
}
