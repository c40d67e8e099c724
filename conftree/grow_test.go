package conftree

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// What generated trees consist of: names at the top, names below, and texts.
var (
	topNames = []string{"object-server", "object-server", "object-server", "object-server.conf", "object-server.conf.d", "object-server1.conf",
		"object-server-old", "object-server.txt", "object-server.conf.bak", "object-server[1].conf", "object-expirer.conf", "object-expirer",
		"container-reconciler.conf", "container-reconciler", "account-server", "account-server.conf", "Object-Server.conf",
		".object-server.conf", "object-server a.conf", "object-server\n.conf"}
	lowNames = []string{"1.conf", "1.conf", "2.conf", "11.conf", "a1.conf", "A.conf", "a.conf", "x[1].conf", "a b.conf", "new\nline.conf", "1.conf.d",
		"2.conf.d", "x.conf", "deep", "more", ".hidden.conf", "1.ini", "1.conf~", "object-server.conf", "1.conf.2.conf", "object-server"}
	texts = []string{"", "[DEFAULT]\n", "[object-expirer]\n", "[app]\nkey = value\n[object-expirer]\n", "[app]\nkey = value\n [object-expirer]\n",
		"[app]\nreserve = 1%\n[object-expirer]\nx = %(y)s\n", "no section here\n"}
)

// grow makes a tree, the same for the same state of random.
func grow(t *testing.T, random *rand.Rand, root string) {
	for _, name := range some(random, topNames, 6) {
		growAt(t, random, root, name, 3)
	}
}

func growAt(t *testing.T, random *rand.Rand, root, name string, depth int) {
	kind := random.IntN(12)
	dirLike := filepath.Ext(name) == "" || filepath.Ext(name) == ".d"
	switch {
	case kind == 0:
		plantAt(t, root, name+" -> nowhere")
	case kind == 1:
		plantAt(t, root, "../files/x.conf = "+texts[2], name+" -> "+root+"/../files/x.conf")
	case kind == 2:
		plantAt(t, root, "../dirs/1.conf = "+texts[2], "../dirs/deep/2.conf", name+" -> "+root+"/../dirs")
	case depth > 0 && (dirLike && kind < 10 || kind == 3):
		plantAt(t, root, name+"/")
		for _, sub := range some(random, lowNames, 4) {
			growAt(t, random, root, name+"/"+sub, depth-1)
		}
	default:
		plantAt(t, root, name+" = "+texts[random.IntN(len(texts))])
	}
}

// some gives up to n names, each once.
func some(random *rand.Rand, names []string, n int) []string {
	var out []string
	seen := map[string]bool{}
	for range random.IntN(n + 1) {
		name := names[random.IntN(len(names))]
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

func walkDirs(dir string, visit func(string)) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && isDir(path, e) {
			visit(path)
		}
		return nil
	})
}
