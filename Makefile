# What can be made is listed by `make help`.

GO      ?= go
PREFIX  ?= /usr/local
DESTDIR ?=
BIN     ?= bin
FUZZTIME ?= 10s
# Most tests wait for other programs, most of all for swift-init, which polls.
TESTFLAGS = -count=1 -parallel 6 -timeout 20m
FUZZJOBS ?= 2

# What `mgr --version` prints. Without git, or outside of its own repository, the release that
# this tree leads to.
VERSION := $(or $(shell test -e .git && git describe --always --dirty --tags 2>/dev/null),0.1.0-dev)

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.8.0

# The same sources give the same bytes wherever they lie: no paths of this machine, no build time.
# Nor does Go look at the repository by itself: it refuses to where another user owns it.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -tags urfave_cli_no_docs -ldflags '-X main.version=$(VERSION)'
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# Go's caches are where Go wants them, or, where that cannot be written (HOME unset, or of another
# user), in a directory of the caller's own below /tmp. `make clean` removes that one.
TMPCACHE := $(or $(TMPDIR),/tmp)/mgr-go-$(shell id -u)
usable = $(shell d=$$($(GO) env $(1)); case $$d in (/*) mkdir -p "$$d" && test -w "$$d" && echo yes;; esac 2>/dev/null)
ifneq ($(call usable,GOCACHE),yes)
export GOCACHE := $(TMPCACHE)/build
endif
ifneq ($(call usable,GOMODCACHE),yes)
export GOMODCACHE := $(TMPCACHE)/mod
GOFLAGS += -modcacherw
endif

# Whoever finds that directory there already must not use it if it is another's.
CACHES = case "$$GOCACHE$$GOMODCACHE" in *'$(TMPCACHE)/'*) \
	mkdir -m 700 '$(TMPCACHE)' 2>/dev/null; \
	if [ -L '$(TMPCACHE)' ] || [ ! -O '$(TMPCACHE)' ]; then echo 'make: $(TMPCACHE) is not yours: set GOCACHE and GOMODCACHE' >&2; exit 1; fi ;; esac

# The binary prints what is installed beside it. Where it is for another machine, HOSTMGR is to be
# one of the same sources that runs on this one.
HOSTMGR ?= $(BIN)/mgr
TO = $(DESTDIR)$(PREFIX)
BASH_COMPLETION = share/bash-completion/completions/mgr
ZSH_COMPLETION = share/zsh/site-functions/_mgr
FISH_COMPLETION = share/fish/vendor_completions.d/mgr.fish
MANUAL = share/man/man1/mgr.1
CONF_MANUAL = share/man/man5/mgr.conf.5

# $(call put,WORDS,PATH) installs what mgr prints at these words.
put = install -d '$(TO)/$(dir $(2))' && '$(HOSTMGR)' $(1) >'$(BIN)/printed' && \
	install -m 644 '$(BIN)/printed' '$(TO)/$(2)' && rm '$(BIN)/printed'

.PHONY: build fakeserver demo test lint fuzz e2e e2e-daemons bench install uninstall clean help caches

# Go knows itself what has changed.
build: caches ## build bin/mgr, one static binary
	@$(BUILD) -o '$(BIN)/mgr' .

# What plays the servers in the demo.
fakeserver: caches
	@$(BUILD) -o '$(BIN)/fakeserver' ./testdata/fakeserver

caches:
	@$(CACHES)

demo: ## take thirteen servers through every main command, and explain
	@scripts/demo

# The race detector needs cgo, and so a C compiler and the C library's headers.
test: caches ## run all tests, under the race detector where it can be
	@if printf '#include <stdlib.h>\n' | $$($(GO) env CC) -fsyntax-only -xc - 2>/dev/null; then \
		echo 'CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) ./...'; \
		CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) ./...; \
	else \
		echo 'no C compiler: testing without the race detector'; \
		CGO_ENABLED=0 $(GO) test $(TESTFLAGS) ./...; \
	fi

lint: caches ## look for mistakes: gofmt, go vet, staticcheck, govulncheck, shellcheck
	@GO='$(GO)' STATICCHECK='$(STATICCHECK)' GOVULNCHECK='$(GOVULNCHECK)' scripts/lint

fuzz: caches ## run each fuzz target for FUZZTIME (default 10s), FUZZJOBS at once
	@for package in $$($(GO) list ./...); do \
		$(GO) test -list '^Fuzz' "$$package" | sed -n "s#^Fuzz#$$package &#p"; \
	done | GO='$(GO)' FUZZTIME='$(FUZZTIME)' xargs -P $(FUZZJOBS) -n 2 scripts/fuzz

e2e: build ## try it on the real Swift; installs Debian's packages of it (root)
	@MGR='$(BIN)/mgr' scripts/e2e-swift

bench: build ## measure it beside others of its kind; installs them if root: BENCH_ONLY, BENCH_ROUNDS, BENCH_SHORT
	@MGR='$(BIN)/mgr' GO='$(GO)' scripts/bench

e2e-daemons: build ## try it on nginx, redis, postgres and memcached; installs Debian's packages (root)
	@MGR='$(BIN)/mgr' scripts/e2e-daemons

install: build ## install binary, manuals and completion below $(DESTDIR)$(PREFIX)
	@'$(HOSTMGR)' --version >/dev/null || { echo 'make: $(HOSTMGR) does not run here: name one that does with HOSTMGR' >&2; exit 1; }
	install -d '$(TO)/bin'
	install -m 755 '$(BIN)/mgr' '$(TO)/bin/mgr'
	$(call put,manual mgr,$(MANUAL))
	$(call put,manual mgr.conf,$(CONF_MANUAL))
	$(call put,completion bash,$(BASH_COMPLETION))
	$(call put,completion zsh,$(ZSH_COMPLETION))
	$(call put,completion fish,$(FISH_COMPLETION))

uninstall: ## remove what install has put there
	cd '$(TO)' && rm -f bin/mgr $(MANUAL) $(CONF_MANUAL) $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)

clean: ## remove what was built
	rm -rf bin
	@if [ -O '$(TMPCACHE)' ] && [ ! -L '$(TMPCACHE)' ]; then chmod -R u+w '$(TMPCACHE)' && rm -rf '$(TMPCACHE)'; fi

help: ## print this
	@awk -F ': .*## ' '/^[a-z].*: .*## /{printf "%-12s %s\n", $$1, $$2}' Makefile
