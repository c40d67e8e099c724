package manager

import (
	"context"
	_ "embed"

	"mgr/server"
)

//go:embed completion/mgr.bash
var bashCompletion string

//go:embed completion/mgr.zsh
var zshCompletion string

//go:embed completion/mgr.fish
var fishCompletion string

// shells are those whose completion there is, in the order of their names.
var shells = []string{"bash", "fish", "zsh"}

// completion prints the script of a shell.
func (m *Manager) completion(context.Context, []*server.Server) int {
	return m.print(map[string]string{"bash": bashCompletion, "fish": fishCompletion, "zsh": zshCompletion}[m.words[0]])
}
