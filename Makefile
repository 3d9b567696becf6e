# `make help` lists what there is to make.

CARGO ?= cargo
PREFIX ?= $(HOME)/.cargo
BIN = $(DESTDIR)$(PREFIX)/bin
SHARE = $(DESTDIR)$(PREFIX)/share
BUILT = $(or $(CARGO_TARGET_DIR),target)/release/encbox
SHARED_CROSS := ../shared/cross/check.sh
.DEFAULT_GOAL := help

.PHONY: demo test soak posix rivals lint bench cross install install-dropin clean help mutations

demo: ## show encbox at work on a bundled volume
	@scripts/setup.sh demo
	@$(CARGO) build --release --locked
	@scripts/demo.sh "$${CARGO_TARGET_DIR:-target}/release/encbox"

test: ## everything: lint, unit tests, frozen volumes, the real EncFS, everyday programs in a mount
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory lint
	$(CARGO) test --locked --features interop

posix: ## stress-ng and dbench on real mounts, a quarter of an hour (as root)
	@$(CARGO) build --release --locked
	@scripts/posix.sh "$${CARGO_TARGET_DIR:-target}/release/encbox"

soak: ## two machines, their sync clients and eight programs, a hundred times (as root, some six minutes)
	@scripts/setup.sh test
	ENCBOX_SOAK_SEEDS=100 ENCBOX_SOAK_EVENTS=1500 $(CARGO) test --locked --features interop --test soak -- --nocapture

rivals: ## how EncFS, gocryptfs, securefs and rclone fail under sync, where they are installed
	@$(CARGO) build --release --locked
	@tests/rivals/run.sh "$${CARGO_TARGET_DIR:-target}/release/encbox"

mutations: ## a thousand single damages to six kinds of volume, and the table of docs/check.md
	@scripts/setup.sh test
	ENCBOX_MUTATIONS=1000 $(CARGO) test --locked --test check seeded -- --nocapture

lint: ## layout, warnings and links in the documentation, all as errors
	@scripts/setup.sh lint
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --locked --no-deps --all-features

bench: ## how fast names, blocks and key derivation are on this machine
	$(CARGO) bench --locked

cross: ## check the crate for macOS and ARM Linux, and its pure rooms for WebAssembly
	@if [ ! -x $(SHARED_CROSS) ]; then \
	  echo "make cross needs $(SHARED_CROSS), which brings standard libraries for other targets;"; \
	  echo "with rustup: rustup target add TARGET && cargo check --target TARGET"; \
	  exit 1; \
	fi
	$(SHARED_CROSS) --target aarch64-apple-darwin --target aarch64-unknown-linux-gnu -- --locked
	$(SHARED_CROSS) --target wasm32-unknown-unknown -- --locked --lib --no-default-features --features preview

install: ## build encbox and put it into PREFIX (~/.cargo), with manual pages and completions; DESTDIR for packages
	$(CARGO) build --release --locked
	install -d "$(BIN)" "$(SHARE)/man/man1"
	install -m 755 "$(BUILT)" "$(BIN)/encbox"
	"$(BUILT)" man --dir "$(SHARE)/man/man1"
	install -d "$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d"
	"$(BUILT)" completions bash > "$(SHARE)/bash-completion/completions/encbox"
	"$(BUILT)" completions zsh > "$(SHARE)/zsh/site-functions/_encbox"
	"$(BUILT)" completions fish > "$(SHARE)/fish/vendor_completions.d/encbox.fish"

install-dropin: install ## the same, and let encbox be found as encfs and encfsctl (docs/dropin.md)
	ln -sf encbox "$(BIN)/encfs"
	ln -sf encbox "$(BIN)/encfsctl"

clean: ## remove what was built
	$(CARGO) clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
