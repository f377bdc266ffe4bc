# SPDX-License-Identifier: MIT
# The rules of the tests; included by the Makefile.

# tests/check runs check-KIND for each kind, three at a time; the slowest kinds come first.
CHECKS ?= host nix deb lint cli docs unit fuzz layers make examples install completion loader abi nixpkgs demo man
## Run all tests; installs missing Debian packages first
.PHONY: check
check:
	@tests/setup
	@MAKE="$(MAKE)" tests/check $(CHECKS)

.PHONY: list-plugins
list-plugins:
	@echo $(PLUGINS)

# The tested code is optimised; the tests are not, because they compile in half the time then.
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

# A plugin's test links the plugin's objects and a fake host, but nothing of the core.
define plugin_test_rule
$(BUILD)/tests/plugins/$(1): tests/plugins/$(1).c $(wildcard tests/plugins/fake_host.*) $(call plugin_obj,$(1)) \
		$(SIGNALS) $(BUILD)/libplugin.a $(BUILD)/objects
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(PLUGIN_CFLAGS) $$(QUICK) -Itests/plugins $$(filter %.c %.o %.a,$$^) -o $$@ -lcmocka
endef
TESTED_PLUGINS := $(foreach p,$(PLUGINS),$(if $(wildcard tests/plugins/$(p).c),$(p)))
# fake-host-test is the test of the fake host itself.
PLUGIN_TESTS := $(patsubst %,$(BUILD)/tests/plugins/%,$(TESTED_PLUGINS) fake-host-test)
$(foreach p,$(TESTED_PLUGINS) fake-host-test,$(eval $(call plugin_test_rule,$(p))))

## Run the unit tests
.PHONY: check-unit
check-unit: $(UNIT) $(PLUGIN_TESTS)
	@tests/unit/check.sh $^

# ---- loader, ABI, command line, layers --------------------------------------
# One plugin for each #if of tests/loader/zoo.c, valid or invalid.
ZOO_DIR := $(BUILD)/tests/loader/zoo
ZOO_NAMES := $(shell sed -n 's/.*defined(ZOO_\([a-z0-9_]*\)).*/\1/p' tests/loader/zoo.c) borrowed
ZOO := $(ZOO_NAMES:%=$(ZOO_DIR)/%.so)
# The flags that a plugin outside the tree is compiled with.
TEST_PLUGIN = -std=gnu11 $(WARN) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -Icore/include -shared

$(ZOO_DIR)/%.so: tests/loader/zoo.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -DZOO_$* -DID=$* $< -o $@

# A plugin whose descriptor is in a library that it links, which links another one.
$(ZOO_DIR)/borrowed.so: tests/loader/zoo.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)/lib/deep
	$(call say,LD,$(@D)/lib/deep/deep.so)$(CC) $(TEST_PLUGIN) -DZOO_nosymbol -DID=deep $< -o $(@D)/lib/deep/deep.so
	$(call say,LD,$(@D)/lib/lender.so)$(CC) $(TEST_PLUGIN) -DZOO_minimal -DID=borrowed $< -o $(@D)/lib/lender.so \
		-Wl,--no-as-needed -L$(@D)/lib/deep -l:deep.so '-Wl,-rpath,$$ORIGIN/deep'
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -DZOO_nosymbol -DID=borrowed $< -o $@ \
		-Wl,--no-as-needed -L$(@D)/lib -l:lender.so -Wl,--allow-shlib-undefined \
		'-Wl,-rpath,$$ORIGIN/lib' '-Wl,-rpath-link,$(@D)/lib/deep'

$(BUILD)/tests/loader/loader: tests/loader/loader.c $(SIGNALS) $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CORE_TEST_CFLAGS) $< $(SIGNALS) $(BUILD)/libcore.a -o $@ $(LIB_LINK) -lcmocka

## Test the loader with valid and invalid plugins
.PHONY: check-loader
check-loader: $(BUILD)/tests/loader/loader $(ZOO)
	$< $(ZOO_DIR)

# A plugin that prints what it receives from the command line.
PROBE := $(BUILD)/tests/cli/plugins/probe.so
$(PROBE): tests/cli/probe.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -Wl,-z,defs $< -o $@

# A plugin that misbehaves on demand.
ROGUE := $(BUILD)/tests/cli/rogue.so
$(ROGUE): tests/cli/rogue.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -Wl,-z,defs $< -o $@

# $(call if_built,FILE,COMMAND) runs the command if the plugins in FILE's line "# plugins: NAME..." are built.
hash := \#
if_built = $(if $(call not_built,$(1)),echo '1..0 $(hash) SKIP not built: $(call not_built,$(1))',$(2))
not_built = $(filter-out $(PLUGINS),$(shell sed -n 's/^$(hash) plugins: //p' $(1)))

# $(call each,SHELL,TESTS) runs all these tests and fails if one of them fails.
each = status=0; for t in $(2); do echo "\# $$t"; $(1) $$t || { echo "FAILED: $$t"; status=1; }; done; exit $$status
CLI_TESTS := $(filter-out tests/cli/lib.sh,$(wildcard tests/cli/*.sh))
## Test the command line with stubs and with subsets of the plugins
.PHONY: check-cli
check-cli: $(BUILD)/extra-container $(PROBE) $(ROGUE) $(MODULES) $(PLUGIN_DATA)
	@export EC=$(abspath $(BUILD)/extra-container) PROBE=$(abspath $(dir $(PROBE))) ROGUE=$(abspath $(ROGUE)); \
	$(call each,sh,$(CLI_TESTS))

# A plugin whose commands and options are completed.
$(BUILD)/tests/completion/plugins/probe.so: tests/completion/probe.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -Wl,-z,defs $< -o $@

COMPLETION_TESTS := $(filter-out tests/completion/lib.sh,$(wildcard tests/completion/*.sh))
## Test the completion in bash, zsh and fish
.PHONY: check-completion
check-completion: $(BUILD)/extra-container $(BUILD)/tests/completion/plugins/probe.so
	@export EC=$(abspath $(BUILD)/extra-container) PROBE=$(abspath $(BUILD)/tests/completion/plugins) \
		COMPLETIONS=$(abspath completions); $(call each,bash,$(COMPLETION_TESTS))

# The binary interface of plugins: frozen headers, mixed versions, symbols.
ABI := $(BUILD)/tests/abi
$(ABI)/plugins/frozen.so: tests/abi/plugin.c tests/abi/plugin-1.0.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(TEST_PLUGIN) -DFROZEN='"plugin-1.0.h"' -Wl,-z,defs $< -o $@

# A header of a later minor version, in which each descriptor has one more member at the end.
$(ABI)/next/extra-container/plugin.h: core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(call say,GEN,$@)sed -e 's/^#define EC_ABI_MINOR .*/#define EC_ABI_MINOR 99/' \
		-e '/^struct ec_\(plugin\|hooks\|command\|option\) {/,/^};/s/^};/        const void *next;\n};/' $< > $@

NEXT_SRC := tests/abi/next.c core/plugin/descriptor.c core/util/err.c core/util/name.c core/util/strv.c core/util/utf8.c
$(ABI)/next-core: $(NEXT_SRC) $(ABI)/next/extra-container/plugin.h $(wildcard core/*/*.h)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) -I$(ABI)/next -Icore $(NEXT_SRC) -o $@ -ldl

## Test the binary interface of plugins
.PHONY: check-abi
check-abi: $(BUILD)/extra-container $(MODULES) $(ABI)/plugins/frozen.so $(ABI)/next-core
	@EC=$(BUILD)/extra-container FROZEN=$(ABI)/plugins NEXT=$(ABI)/next-core PLUGINS="$(MODULES)" CC="$(CC)" \
		sh tests/abi/abi.sh

# Builds for another PREFIX reuse these objects and compile only the files that contain the directories.
OTHER_PREFIX := $(filter-out $(PATH_SRC:%.c=$(BUILD)/obj/%.o),$(CORE_OBJ)) $(COMMON_OBJ) $(PLUGIN_OBJ)

## Build the plugins of examples/plugins against an installation in a prefix
.PHONY: check-examples
check-examples: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) BUILD=$(abspath $(BUILD))/tests/examples MAKE="$(MAKE)" tests/examples/check.sh

## Test this makefile
.PHONY: check-make
check-make: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) MAKE="$(MAKE)" tests/make/check.sh

## Check which folders include and call each other
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

## Show the program in a throwaway host (NIXPKGS=DIR to use a real nixpkgs)
.PHONY: demo
demo:
	@tests/setup build host
	@echo 'Building the program and a throwaway host; the first time, this takes half a minute'
	@$(if $(NIXPKGS),NIXPKGS='$(NIXPKGS)') tests/host/run tests/demo/demo
## Run the demo as a test
.PHONY: check-demo
check-demo:
	@$(call if_built,tests/demo/demo,if tests/host/run tests/demo/demo; then echo 'ok 1 - demo'; echo 1..1; \
		else echo 'not ok 1 - demo'; exit 1; fi)

# ---- sanitizers, valgrind, fuzzing -------------------------------------------
# Plugins with gcc's sanitizers need a program with these sanitizers.
SAN_VARS := CC=gcc CFLAGS="-O1 -g -fno-omit-frame-pointer" SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
## Run the unit, loader and command line tests with gcc's sanitizers
.PHONY: check-san
check-san:
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/san $(SAN_VARS) san
.PHONY: san
san: all $(UNIT) $(PLUGIN_TESTS) $(BUILD)/tests/loader/loader $(ZOO) $(PROBE) $(ROGUE)
	@status=0; for kind in unit loader cli; do \
		tests/san/check $(MAKE) --no-print-directory -j1 check-$$kind || status=1; done; exit $$status

SAN_HOST ?= create-start create-input destroy shell-exec shell-signals ssh-session ssh-shell network-auto \
	network-rules gc flake interrupt parallel stale hostile-links hostile-joiner hostile-streams crash
## Run host tests with gcc's sanitizers (SAN_HOST="shell ssh" for these)
.PHONY: check-san-host
check-san-host:
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/san $(SAN_VARS) all
	@BUILD=$(BUILD)/san tests/san/check --host $(SAN_VARS) -- $(SAN_HOST)

# These programs need calls that valgrind 3.19 does not support: pidfd_open() to wait for children, openat2() to open
# files of a container, an execve() that fails, mremap() over the program's own files, and limits below its own files.
NO_PIDFD   := plugin/services svc/nix/nix model/definition/evaluation model/definition/flake svc/process/proc svc/machine/setns \
	svc/process/children svc/process/sandbox svc/systemd/jobs svc/machine/cgroup svc/machine/leader svc/machine/seccomp svc/machine/inner_bus svc/machine/retry svc/machine/failed_units model/deploy/stale
NO_OPENAT2 := svc/systemd/journal svc/machine/machine svc/machine/user svc/machine/exec svc/machine/run util/resolve util/helper
NO_EXEC    := svc/process/env
NO_MREMAP  := svc/machine/mappings
NO_LIMIT   := util/limits
# It removes files while another process makes some, which valgrind slows down.
NO_SPEED   := util/fs_remove
# These build definitions, which children do.
NO_VALGRIND_CLI := tests/cli/definition.sh tests/cli/subsets.sh
NO_VALGRIND := $(addprefix $(BUILD)/tests/unit/,$(NO_PIDFD) $(NO_OPENAT2) $(NO_EXEC) $(NO_MREMAP) $(NO_LIMIT) $(NO_SPEED))
## Run the unit and command line tests under valgrind
.PHONY: check-valgrind
check-valgrind: all $(filter-out $(NO_VALGRIND),$(UNIT)) $(PLUGIN_TESTS) $(PROBE) $(ROGUE)
	@status=0; tests/valgrind/check.sh $(filter $(BUILD)/tests/unit/% $(PLUGIN_TESTS),$^) || status=1; \
		UNDER=$(abspath tests/valgrind/run) $(MAKE) --no-print-directory check-cli \
		CLI_TESTS="$(filter-out $(NO_VALGRIND_CLI),$(CLI_TESTS))" && exit $$status

# A target includes the sources that it fuzzes, so that clang compiles and instruments only those; the rest is linked
# from the libraries that the program and its plugins are made of. tests/fuzz/NAME/ has the targets of plugin NAME.
FUZZ_CC = clang $(ALL_CFLAGS) -O1 -g1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined -MMD -MP
CORE_FUZZ := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))
PLUGIN_FUZZ := $(patsubst %.c,$(BUILD)/%,$(wildcard $(addsuffix /*.c,$(addprefix tests/fuzz/,$(PLUGINS) common))))
$(CORE_FUZZ): $(BUILD)/%: %.c $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(FUZZ_CC) $(CORE_DEFS) $(LIB_FLAGS) -Icore -Icore/include $< $(BUILD)/libcore.a -o $@ $(LIB_LINK)
$(PLUGIN_FUZZ): $(BUILD)/%: %.c $(BUILD)/libplugin.a
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(FUZZ_CC) $(PLUGIN_CFLAGS) $< $(BUILD)/libplugin.a -o $@

## Give each fuzz target 10,000 cases (SECONDS_EACH=600 for random ones, ten minutes each)
.PHONY: check-fuzz
check-fuzz: $(CORE_FUZZ) $(PLUGIN_FUZZ)
	@tests/fuzz/check.sh $^

## Print which lines of core and plugins the tests run, in hosts, too (takes 15 minutes)
.PHONY: coverage
coverage:
	@tests/coverage/check

# ---- measurements ------------------------------------------------------------
$(BUILD)/tests/bench/pairs: tests/bench/pairs.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LIB_FLAGS) $< -o $@ -lsystemd

## Measure run times (PART=start for one section; see tests/bench/README.md)
.PHONY: bench
bench: $(BUILD)/tests/bench/pairs
	@tests/host/run --setenv PAIRS=$(abspath $<) bash tests/bench/bench.sh $(PART)

PAGES := $(wildcard *.md docs/*.md plugins/*/README.md examples/README.md examples/plugins/README.md examples/plugins/*/README.md)
## Run the command blocks of README.md and docs/, and compare the pictures and the quoted messages with the program
.PHONY: check-docs
check-docs:
	@$(call if_built,tests/docs/check,tests/docs/links $(PAGES) && tests/docs/messages && tests/docs/pictures --check && \
		tests/docs/check)
## Draw the pictures in README.md again
.PHONY: pictures
pictures:
	@tests/docs/pictures

## Compare the manual pages, the INI and the settings of the NixOS module with the tables
.PHONY: check-man
check-man: $(BUILD)/extra-container $(MODULES) $(MAN) $(INI) | prune
	@MAN=$(abspath $(BUILD))/man INI=$(abspath $(INI)) TOOL=$(abspath $(BUILD))/man/.tool \
		PLUGINS=$(abspath $(BUILD))/plugins EC=$(abspath $(BUILD))/extra-container CC="$(CC)" tests/man/check.sh

## Check the sources: format, style, shellcheck, cppcheck, warnings of gcc and clang
.PHONY: lint
## The same; `make check` uses this name
.PHONY: check-lint
check-lint lint:
	@tests/lint/check.sh
## Analyze the code with gcc -fanalyzer and clang-tidy
.PHONY: check-analysis
check-analysis:
	@tests/lint/analysis
## Apply clang-format to all C files
.PHONY: format
format:
	@tests/lint/check.sh format
## List the files of core that have no unit test
.PHONY: check-tested
check-tested:
	@tests/lint/tested
## List phrases in documents, comments and messages that are not plain English
.PHONY: check-english
check-english:
	@tests/lint/english

## Test installing into a staging tree and uninstalling
.PHONY: check-install
check-install: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) BUILD=$(abspath $(BUILD))/tests/install MAKE="$(MAKE)" tests/install/check.sh

## Build, install, use and purge the Debian packages
.PHONY: check-deb
check-deb:
	@$(call if_built,tests/deb/use.sh,tests/deb/check.sh)

## Test everything in real throwaway hosts (tests/host/check NAME runs single tests)
.PHONY: check-host
check-host:
	@tests/host/check
## Kill commands at each step, and make each step fail; SCENARIOS=create for some (make check has a short form)
.PHONY: check-crash
check-crash:
	@tests/crash/check $(SCENARIOS)
## Run many commands at the same time on the same containers (ROUNDS=20 SEED=1)
.PHONY: check-races
check-races:
	@tests/host/run --flavour $(or $(FLAVOUR),nixos) bash tests/races/races.sh $(or $(ROUNDS),20) $(or $(SEED),$$$$) $(RUNS)
## Run the host and Nix tests on Debian 13
.PHONY: check-trixie
check-trixie:
	@tests/host/trixie
	@status=0; ($(call each,tests/host/run --suite trixie bash,$(wildcard tests/nix/*.test))) || status=1; \
		tests/host/check --suite trixie && exit $$status

-include $(wildcard $(BUILD)/tests/*/*.d $(BUILD)/tests/*/*/*.d $(BUILD)/tests/*/*/*/*.d)
