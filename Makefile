# SPDX-License-Identifier: MIT
# The front door; meson.build is the build. BUILD=folder and OPTIONS='-Dproduct=cblas' go through to Meson.
BUILD ?= build
OPTIONS ?=
PREFIX ?= /usr/local
SANITIZE = -Db_lundef=false --buildtype=debugoptimized

help: ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1~\2/p' Makefile | column -t -s '~'

$(BUILD)/build.ninja:
	@scripts/install-deps
	meson setup $(BUILD) $(OPTIONS)

build: $(BUILD)/build.ninja ## the library and the program, in build/
	@ninja -C $(BUILD)

test: ## all tests; the last line counts them
	@scripts/test $(BUILD)

check: ## layers, layout, words, README's figures, style sheets and scripts, spelling, static analysis
	@scripts/install-deps --dev
	scripts/check-layers
	scripts/check-format
	scripts/check-words $(wildcard $(BUILD)/cli/clipspan)
	scripts/check-json
	scripts/check-readme
	scripts/check-web
	codespell
	scripts/check-tidy $(BUILD)

asan: ## tests under address and undefined-behaviour sanitizers
	@test -f build-asan/build.ninja || meson setup build-asan $(SANITIZE) -Db_sanitize=address,undefined
	@ASAN_OPTIONS=allocator_may_return_null=1 scripts/test build-asan

tsan: ## tests under the thread sanitizer (clang, whose OpenMP it understands)
	@scripts/install-deps --dev
	@test -f build-tsan/build.ninja || CC=clang meson setup build-tsan $(SANITIZE) -Db_sanitize=thread -Dproduct=plain
	@OMP_TOOL_LIBRARIES=$$(clang -print-resource-dir)/../../libarcher.so \
	TSAN_OPTIONS=ignore_noninstrumented_modules=1:allocator_may_return_null=1 scripts/test build-tsan

bench: $(BUILD)/build.ninja ## speed, beside the machine's measured peak
	@meson test -C $(BUILD) --benchmark --verbose

coverage: ## line coverage of the parsers
	@scripts/coverage

install: build ## into PREFIX (default /usr/local); DESTDIR is honoured
	@meson configure $(BUILD) --prefix $(PREFIX) && ninja -C $(BUILD) install

clean: ## removes build folders
	rm -rf build build-*

.PHONY: help build test check asan tsan bench coverage install clean
