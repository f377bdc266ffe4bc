# SPDX-License-Identifier: MIT
# The rules of the tests; part of the Makefile.

# tests/check runs check-KIND for each kind, three at a time; the longest come first.
CHECKS ?= host nix deb lint cli docs unit layers make examples install completion loader abi nixpkgs demo man
## Install what is missing (Debian packages) and run all tests
.PHONY: check
check:
	@tests/setup
	@MAKE="$(MAKE)" tests/check $(CHECKS)

.PHONY: list-plugins
list-plugins:
	@echo $(PLUGINS)

# What is tested is optimised, the tests themselves are not: that takes half the time.
QUICK := -O0
CORE_TEST_CFLAGS = $(ALL_CFLAGS) $(QUICK) $(CORE_DEFS) $(LIB_FLAGS) -Icore -Icore/include -MMD -MP
UNIT_SRC := $(wildcard tests/unit/*.c tests/unit/*/*.c tests/unit/*/*/*.c)
UNIT := $(UNIT_SRC:%.c=$(BUILD)/%)
SIGNALS := $(BUILD)/tests/signals.o
$(SIGNALS): tests/signals.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -c $< -o $@
$(BUILD)/tests/unit/%: tests/unit/%.c $(SIGNALS) $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CORE_TEST_CFLAGS) -Itests/unit $< $(SIGNALS) $(BUILD)/libcore.a -o $@ $(LIB_LINK) -lcmocka

# A plugin's test links the plugin's objects and a fake host, nothing of the core.
define plugin_test_rule
$(BUILD)/tests/plugins/$(1): tests/plugins/$(1).c $(wildcard tests/plugins/fake_host.*) $(call plugin_obj,$(1)) \
		$(SIGNALS) $(BUILD)/libplugin.a $(BUILD)/objects
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(PLUGIN_CFLAGS) $$(QUICK) -Itests/plugins $$(filter %.c %.o %.a,$$^) -o $$@ -lcmocka
endef
TESTED_PLUGINS := $(foreach p,$(PLUGINS),$(if $(wildcard tests/plugins/$(p).c),$(p)))
PLUGIN_TESTS := $(TESTED_PLUGINS:%=$(BUILD)/tests/plugins/%)
$(foreach p,$(TESTED_PLUGINS),$(eval $(call plugin_test_rule,$(p))))

## Run the unit tests
.PHONY: check-unit
check-unit: $(UNIT) $(PLUGIN_TESTS)
	@tests/unit/check.sh $^

# ---- loader, ABI, command line, layers --------------------------------------
# One plugin for each #if of the zoo, good or bad; see tests/loader.
ZOO_DIR := $(BUILD)/tests/loader/zoo
ZOO_NAMES := $(shell sed -n 's/.*defined(ZOO_\([a-z0-9_]*\)).*/\1/p' tests/loader/zoo.c) borrowed
ZOO := $(ZOO_NAMES:%=$(ZOO_DIR)/%.so)
# What a plugin outside of the tree is compiled with.
TEST_PLUGIN = -std=gnu11 $(WARN) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -Icore/include -shared

$(ZOO_DIR)/%.so: tests/loader/zoo.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -DZOO_$* -DID=$* $< -o $@

# Its descriptor is in a library that it links.
$(ZOO_DIR)/borrowed.so: tests/loader/zoo.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)/lib
	$(call say,LD,$(@D)/lib/lender.so)$(CC) $(TEST_PLUGIN) -DZOO_minimal -DID=borrowed $< -o $(@D)/lib/lender.so
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -DZOO_nosymbol -DID=borrowed $< -o $@ \
		-Wl,--no-as-needed -L$(@D)/lib -l:lender.so -Wl,-rpath,$(abspath $(ZOO_DIR))/lib

$(BUILD)/tests/loader/loader: tests/loader/loader.c $(SIGNALS) $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CORE_TEST_CFLAGS) $< $(SIGNALS) $(BUILD)/libcore.a -o $@ $(LIB_LINK) -lcmocka

## Load good and bad plugins
.PHONY: check-loader
check-loader: $(BUILD)/tests/loader/loader $(ZOO)
	$< $(ZOO_DIR)

# The command line against a plugin that says what reached it.
PROBE := $(BUILD)/tests/cli/plugins/probe.so
$(PROBE): tests/cli/probe.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -Wl,-z,defs $< -o $@

# One that misbehaves as it is told to.
ROGUE := $(BUILD)/tests/cli/rogue.so
$(ROGUE): tests/cli/rogue.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -Wl,-z,defs $< -o $@

# $(call each,SHELL,TESTS) runs all of them and fails if one did.
each = status=0; for t in $(2); do echo "\# $$t"; $(1) $$t || { echo "FAILED: $$t"; status=1; }; done; exit $$status
CLI_TESTS := $(filter-out tests/cli/lib.sh,$(wildcard tests/cli/*.sh))
## Run the command line against stubs, with all subsets of the plugins
.PHONY: check-cli
check-cli: $(BUILD)/extra-container $(PROBE) $(ROGUE) $(MODULES) $(PLUGIN_DATA)
	@export EC=$(abspath $(BUILD)/extra-container) PROBE=$(abspath $(dir $(PROBE))) ROGUE=$(abspath $(ROGUE)); \
	$(call each,sh,$(CLI_TESTS))

# What shells complete, in each of them.
$(BUILD)/tests/completion/plugins/probe.so: tests/completion/probe.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -Wl,-z,defs $< -o $@

COMPLETION_TESTS := $(filter-out tests/completion/lib.sh,$(wildcard tests/completion/*.sh))
## Complete command lines in bash, zsh and fish
.PHONY: check-completion
check-completion: $(BUILD)/extra-container $(BUILD)/tests/completion/plugins/probe.so
	@export EC=$(abspath $(BUILD)/extra-container) PROBE=$(abspath $(BUILD)/tests/completion/plugins) \
		COMPLETIONS=$(abspath completions); $(call each,bash,$(COMPLETION_TESTS))

# The contract of plugins: frozen headers, mixed versions, symbols.
ABI := $(BUILD)/tests/abi
$(ABI)/plugins/frozen.so: tests/abi/plugin.c tests/abi/plugin-1.0.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -DFROZEN='"plugin-1.0.h"' -Wl,-z,defs $< -o $@

# A header of a later minor version: each descriptor ends with one more member.
$(ABI)/next/extra-container/plugin.h: core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,GEN,$@)sed -e 's/^#define EC_ABI_MINOR .*/#define EC_ABI_MINOR 99/' \
		-e '/^struct ec_\(plugin\|hooks\|command\|option\) {/,/^};/s/^};/        const void *next;\n};/' $< > $@

NEXT_SRC := tests/abi/next.c core/plugin/descriptor.c core/util/err.c core/util/name.c core/util/strv.c core/util/utf8.c
$(ABI)/next-core: $(NEXT_SRC) $(ABI)/next/extra-container/plugin.h $(wildcard core/*/*.h)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -I$(ABI)/next -Icore $(NEXT_SRC) -o $@ -ldl

## Check the binary interface of plugins
.PHONY: check-abi
check-abi: $(BUILD)/extra-container $(MODULES) $(ABI)/plugins/frozen.so $(ABI)/next-core
	@EC=$(BUILD)/extra-container FROZEN=$(ABI)/plugins NEXT=$(ABI)/next-core PLUGINS="$(MODULES)" CC="$(CC)" \
		sh tests/abi/abi.sh

# What a build for another PREFIX begins with: it compiles only what knows the directories.
OTHER_PREFIX := $(filter-out $(PATH_SRC:%.c=$(BUILD)/obj/%.o),$(CORE_OBJ)) $(COMMON_OBJ) $(PLUGIN_OBJ)

## Build the plugins of examples/plugins as others do, against an installation in a prefix
.PHONY: check-examples
check-examples: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) BUILD=$(abspath $(BUILD))/tests/examples MAKE="$(MAKE)" tests/examples/check.sh

## Test this makefile
.PHONY: check-make
check-make: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) MAKE="$(MAKE)" tests/make/check.sh

## Check who includes and calls whom
.PHONY: check-layers
check-layers: $(CORE_OBJ) prune
	@OBJ=$(BUILD)/obj CC="$(CC)" sh tests/layers/check.sh

## Test the stand-in for nixpkgs
.PHONY: check-nixpkgs
check-nixpkgs:
	@tests/nixpkgs/check.sh
## Test the Nix code on the stand-in for nixpkgs
.PHONY: check-nix
check-nix:
	@$(call each,tests/host/run bash,$(wildcard tests/nix/*.test))

## Show the program at work in a throwaway host (NIXPKGS=DIR for another nixpkgs than the stand-in)
.PHONY: demo
demo:
	@tests/setup build host
	@$(if $(NIXPKGS),NIXPKGS='$(NIXPKGS)') tests/host/run tests/demo/demo
## Run the demo as a test
.PHONY: check-demo
check-demo:
ifneq ($(filter create,$(PLUGINS)),)
	@tests/host/run tests/demo/demo || { echo 'not ok 1 - demo'; exit 1; }
	@echo 'ok 1 - demo'; echo 1..1
else
	@echo '1..0 # SKIP plugin create is not built'
endif

# ---- sanitizers, valgrind, fuzzing -------------------------------------------
# Plugins with gcc's sanitizers need a program that has them too.
## Run the unit, loader and command line tests with gcc's sanitizers
.PHONY: check-san
check-san:
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/san CC=gcc CFLAGS="-O1 -g -fno-omit-frame-pointer" \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined" san
.PHONY: san
san: all $(UNIT) $(PLUGIN_TESTS) $(BUILD)/tests/loader/loader $(ZOO) $(PROBE)
	@status=0; for kind in unit loader cli; do ASAN_OPTIONS=detect_stack_use_after_return=1 \
		$(MAKE) --no-print-directory -j1 check-$$kind || status=1; done; exit $$status

# Without the programs that need what valgrind 3.19 does not implement: pidfd_open(), used to wait for children,
# openat2(), used to open files of a container, and a failing execve().
NO_PIDFD   := plugin/host svc/nix/nix model/definition/evaluation model/definition/flake svc/process/proc svc/machine/setns
NO_OPENAT2 := svc/systemd/journal svc/machine/machine svc/machine/user svc/machine/exec util/resolve
NO_EXEC    := svc/process/env
NO_VALGRIND := $(addprefix $(BUILD)/tests/unit/,$(NO_PIDFD) $(NO_OPENAT2) $(NO_EXEC))
## Run the unit tests in valgrind
.PHONY: check-valgrind
check-valgrind: $(filter-out $(NO_VALGRIND),$(UNIT)) $(PLUGIN_TESTS)
	@tests/valgrind/check.sh $^

FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(CORE_DEFS) $(LIB_FLAGS) -Icore -Icore/include -MMD -MP $< \
		$(BUILD)/libcore.a -o $@ $(LIB_LINK)

## Run each fuzzer for five seconds (SECONDS_EACH=600 for longer)
.PHONY: check-fuzz
check-fuzz:
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/fuzz CC=clang CFLAGS="-O1 -g -fno-omit-frame-pointer" \
		SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" fuzz
.PHONY: fuzz
fuzz: $(FUZZ)
	@tests/fuzz/check.sh $(FUZZ)

# ---- how long things take ----------------------------------------------------
$(BUILD)/tests/bench/pairs: tests/bench/pairs.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LIB_FLAGS) $< -o $@ -lsystemd

## Measure how long things take (PART=start for one section; see tests/bench/README.md)
.PHONY: bench
bench: $(BUILD)/tests/bench/pairs
	@tests/host/run --setenv PAIRS=$(abspath $<) bash tests/bench/bench.sh $(PART)

# They use all plugins of this project.
## Run the command blocks of README.md and docs/
.PHONY: check-docs
check-docs:
ifeq ($(filter-out $(PLUGINS),create gc network shell ssh),)
	@tests/docs/check
else
	@echo '1..0 # SKIP a plugin is not built'
endif

## Check the manual pages, the INI and the settings of the NixOS module against the tables
.PHONY: check-man
check-man: $(BUILD)/extra-container $(MODULES) $(MAN) $(INI) | prune
	@MAN=$(abspath $(BUILD))/man INI=$(abspath $(INI)) TOOL=$(abspath $(BUILD))/man/.tool \
		PLUGINS=$(abspath $(BUILD))/plugins EC=$(abspath $(BUILD))/extra-container CC="$(CC)" tests/man/check.sh

## Check the sources: format, style, shellcheck, cppcheck, warnings of gcc and clang
.PHONY: lint
## The same, under the name that `make check` uses
.PHONY: check-lint
check-lint lint:
	@tests/lint/check.sh
## Apply clang-format to all C files
.PHONY: format
format:
	@tests/lint/check.sh format
## List the files of core without a unit test
.PHONY: check-tested
check-tested:
	@tests/lint/tested
## List what is not plain English in texts, comments and messages
.PHONY: check-english
check-english:
	@tests/lint/english

## Install into a staging tree and uninstall
.PHONY: check-install
check-install: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) BUILD=$(abspath $(BUILD))/tests/install MAKE="$(MAKE)" tests/install/check.sh

## Build, install, use and purge the Debian packages
.PHONY: check-deb
check-deb:
ifeq ($(filter-out $(PLUGINS),create gc network shell ssh),)
	@tests/deb/check.sh
else
	@echo '1..0 # SKIP a plugin is not built'
endif

## Test everything for real in throwaway hosts (tests/host/check NAME runs single tests)
.PHONY: check-host
check-host:
	@tests/host/check
## Run the host and Nix tests on Debian 13
.PHONY: check-trixie
check-trixie:
	@tests/host/trixie
	@status=0; ($(call each,tests/host/run --suite trixie bash,$(wildcard tests/nix/*.test))) || status=1; \
		tests/host/check --suite trixie && exit $$status

-include $(wildcard $(BUILD)/tests/*/*.d $(BUILD)/tests/*/*/*.d $(BUILD)/tests/*/*/*/*.d)
