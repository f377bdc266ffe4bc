# SPDX-License-Identifier: MIT
# The rules of the tests; part of the Makefile.

# All of them, with what they need; tests/check runs check-KIND for each kind, three at a time, so the longest go first.
CHECKS ?= host nix deb lint cli docs unit layers site install completion loader abi nixpkgs demo man
.PHONY: check list-plugins
check:
	@tests/setup
	@MAKE="$(MAKE)" tests/check $(CHECKS)

list-plugins:
	@echo $(PLUGINS)

# What is tested is optimised, the tests themselves are not: that takes half the time.
QUICK := -O0
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/*.c tests/unit/*/*.c tests/unit/*/*/*.c))
$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(QUICK) $(CORE_DEFS) $(LIB_FLAGS) -Icore -Icore/include -Itests/unit -MMD -MP $< $(BUILD)/libcore.a -o $@ $(LIB_LINK) -lcmocka

# A plugin's test links the plugin's objects and a fake host, nothing of the core.
plugin_test_objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard plugins/$(1)/*.c))
define plugin_test_rule
$(BUILD)/tests/plugins/$(1): tests/plugins/$(1).c $(wildcard tests/plugins/fake_host.*) $(call plugin_test_objs,$(1)) $(BUILD)/libplugin.a
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(QUICK) -Icore/include -Iplugins/common -Itests/plugins $$(filter %.c %.o %.a,$$^) -o $$@ -lcmocka
endef
PLUGIN_TESTS := $(foreach p,$(PLUGINS),$(if $(wildcard tests/plugins/$(p).c),$(BUILD)/tests/plugins/$(p)))
$(foreach p,$(PLUGINS),$(if $(wildcard tests/plugins/$(p).c),$(eval $(call plugin_test_rule,$(p)))))

.PHONY: check-unit
check-unit: $(UNIT) $(PLUGIN_TESTS)
	@tests/unit/check.sh $^

# ---- loader, ABI, command line, layers --------------------------------------
# One plugin for each #if of the zoo, good or bad; see tests/loader.
ZOO_DIR := $(BUILD)/tests/loader/zoo
ZOO := $(patsubst %,$(ZOO_DIR)/%.so,$(shell sed -n 's/.*defined(ZOO_\([a-z0-9_]*\)).*/\1/p' tests/loader/zoo.c) borrowed)

$(ZOO_DIR)/%.so: tests/loader/zoo.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden -Icore/include -DZOO_$* -DID=$* -shared $< -o $@

# Its descriptor stands in a library that it links.
$(ZOO_DIR)/borrowed.so: tests/loader/zoo.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)/lib
	$(CC) -std=gnu11 $(CFLAGS) -fPIC -fvisibility=hidden -Icore/include -DZOO_minimal -DID=borrowed -shared $< -o $(@D)/lib/lender.so
	$(CC) -std=gnu11 $(CFLAGS) -fPIC -fvisibility=hidden -Icore/include -DZOO_nosymbol -DID=borrowed -shared $< -o $@ \
		-Wl,--no-as-needed -L$(@D)/lib -l:lender.so -Wl,-rpath,$(abspath $(ZOO_DIR))/lib

$(BUILD)/tests/loader/loader: tests/loader/loader.c $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(QUICK) $(CORE_DEFS) $(LIB_FLAGS) -Icore -Icore/include -MMD -MP $< $(BUILD)/libcore.a -o $@ $(LIB_LINK) -lcmocka

.PHONY: check-loader
check-loader: $(BUILD)/tests/loader/loader $(ZOO)
	$< $(ZOO_DIR)

# The command line against a plugin that says what reached it.
PROBE := $(BUILD)/tests/cli/plugins/probe.so
$(PROBE): tests/cli/probe.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden -Icore/include -shared -Wl,-z,defs $< -o $@

CLI_TESTS := $(filter-out tests/cli/lib.sh,$(wildcard tests/cli/*.sh))
.PHONY: check-cli
check-cli: $(BUILD)/extra-container $(PROBE) $(MODULES) $(PLUGIN_DATA)
	@status=0; for t in $(CLI_TESTS); do echo "# $$t"; EC=$(abspath $(BUILD)/extra-container) PROBE=$(abspath $(dir $(PROBE))) sh $$t || { echo "FAILED: $$t"; status=1; }; done; exit $$status

# What shells complete, in each of them.
$(BUILD)/tests/completion/plugins/probe.so: tests/completion/probe.c core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden -Icore/include -shared -Wl,-z,defs $< -o $@

COMPLETION_TESTS := $(filter-out tests/completion/lib.sh,$(wildcard tests/completion/*.sh))
.PHONY: check-completion
check-completion: $(BUILD)/extra-container $(BUILD)/tests/completion/plugins/probe.so
	@status=0; for t in $(COMPLETION_TESTS); do echo "# $$t"; EC=$(abspath $(BUILD)/extra-container) PROBE=$(abspath $(BUILD)/tests/completion/plugins) COMPLETIONS=$(abspath completions) bash $$t || { echo "FAILED: $$t"; status=1; }; done; exit $$status

# The contract of plugins: frozen headers, mixed versions, symbols.
ABI := $(BUILD)/tests/abi
$(ABI)/plugins/frozen.so: tests/abi/plugin.c tests/abi/plugin-1.0.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden -DFROZEN='"plugin-1.0.h"' -shared -Wl,-z,defs $< -o $@

# A header of a later minor: a member more at the end of each descriptor.
$(ABI)/next/extra-container/plugin.h: core/include/extra-container/plugin.h
	@mkdir -p $(@D)
	sed -e 's/^#define EC_ABI_MINOR .*/#define EC_ABI_MINOR 99/' \
		-e '/^struct ec_\(plugin\|hooks\|command\|option\) {/,/^};/s/^};/        const void *next;\n};/' $< > $@

NEXT_SRC := tests/abi/next.c core/plugin/descriptor.c core/util/err.c core/util/name.c core/util/strv.c core/util/utf8.c
$(ABI)/next-core: $(NEXT_SRC) $(ABI)/next/extra-container/plugin.h $(wildcard core/*.h core/*/*.h)
	$(CC) $(ALL_CFLAGS) -I$(ABI)/next -Icore $(NEXT_SRC) -o $@ -ldl

.PHONY: check-abi
check-abi: $(BUILD)/extra-container $(MODULES) $(ABI)/plugins/frozen.so $(ABI)/next-core
	@EC=$(BUILD)/extra-container FROZEN=$(ABI)/plugins NEXT=$(ABI)/next-core PLUGINS="$(MODULES)" CC="$(CC)" sh tests/abi/abi.sh

# What a build for another PREFIX begins with: it compiles only what knows the directories.
OTHER_PREFIX := $(filter-out $(PATH_SRC:%.c=$(BUILD)/obj/%.o),$(CORE_OBJ)) $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(PLUGINS:%=plugins/%/*.c)))

# A plugin that is built outside of the tree, against an installation in a prefix.
.PHONY: check-site
check-site: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) BUILD=$(abspath $(BUILD))/tests/site MAKE="$(MAKE)" sh tests/site-plugin/check.sh

.PHONY: check-layers
check-layers: $(BUILD)/libcore.a $(MAIN_OBJ)
	@OBJ=$(BUILD)/obj CC="$(CC)" sh tests/layers/check.sh

# The stand-in nixpkgs, and our Nix code on it in a host of its own.
.PHONY: check-nixpkgs check-nix
check-nixpkgs:
	@tests/nixpkgs/check.sh
check-nix:
	@status=0; for t in $(wildcard tests/nix/*.test); do tests/host/run bash $$t || status=1; done; exit $$status

# The main job in a throwaway host, to look at; NIXPKGS=... for another nixpkgs than the stand-in.
.PHONY: demo check-demo
demo:
	@tests/setup build host
	@$(if $(NIXPKGS),NIXPKGS='$(NIXPKGS)') tests/host/run tests/demo/demo
check-demo:
ifneq ($(filter create,$(PLUGINS)),)
	@tests/host/run tests/demo/demo || { echo 'not ok 1 - demo'; exit 1; }
	@echo 'ok 1 - demo'; echo 1..1
else
	@echo '1..0 # SKIP plugin create is not built'
endif

# ---- sanitizers, valgrind, fuzzing -------------------------------------------
# All that runs without a host, with gcc's sanitizers; plugins need a program that has them too.
.PHONY: check-san
check-san:
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/san CC=gcc CFLAGS="-O1 -g -fno-omit-frame-pointer" \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined" san
.PHONY: san
san: all $(UNIT) $(PLUGIN_TESTS) $(BUILD)/tests/loader/loader $(ZOO) $(PROBE)
	@status=0; for kind in unit loader cli; do ASAN_OPTIONS=detect_stack_use_after_return=1 \
		$(MAKE) --no-print-directory -j1 check-$$kind || status=1; done; exit $$status

# Without the programs that need what valgrind 3.19 knows nothing of: pidfd_open(), with which children
# are waited for, and openat2(), with which files of a container are opened; nor can an execve() fail there.
NO_PIDFD   := tests/unit/plugin/host.c tests/unit/svc/nix/nix.c tests/unit/svc/nix/flake.c tests/unit/svc/process/proc.c tests/unit/shell.c tests/unit/shell_rc.c
NO_OPENAT2 := tests/unit/svc/systemd/journal.c tests/unit/svc/machine/machine.c tests/unit/svc/machine/user.c
NO_EXEC    := tests/unit/svc/process/env.c
.PHONY: check-valgrind
check-valgrind: $(filter-out $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(NO_PIDFD) $(NO_OPENAT2) $(NO_EXEC)),$(UNIT)) $(PLUGIN_TESTS)
	@tests/valgrind/check.sh $^

FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(BUILD)/libcore.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(CORE_DEFS) $(LIB_FLAGS) -Icore -Icore/include -MMD -MP $< $(BUILD)/libcore.a -o $@ $(LIB_LINK)

# Five seconds each; SECONDS_EACH=600 for more.
.PHONY: check-fuzz fuzz
check-fuzz:
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/fuzz CC=clang CFLAGS="-O1 -g -fno-omit-frame-pointer" \
		SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" fuzz
fuzz: $(FUZZ)
	@tests/fuzz/check.sh $(FUZZ)

# ---- how long things take ----------------------------------------------------
$(BUILD)/tests/bench/pairs: tests/bench/pairs.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LIB_FLAGS) $< -o $@ -lsystemd

# `make bench PART=start` is one section of it; see tests/bench/README.md.
.PHONY: bench
bench: $(BUILD)/tests/bench/pairs
	@tests/host/run --setenv PAIRS=$(abspath $<) bash tests/bench/bench.sh $(PART)

# The command blocks of README.md and docs/, which use all plugins that come with this.
.PHONY: check-docs
check-docs:
ifeq ($(filter-out $(PLUGINS),create gc network shell ssh),)
	@tests/docs/check
else
	@echo '1..0 # SKIP a plugin is not built'
endif

# Man pages and the INI against the tables.
.PHONY: check-man
check-man: $(BUILD)/extra-container $(MODULES) $(MAN) | prune
	@MAN=$(abspath $(BUILD))/man TOOL=$(abspath $(BUILD))/man/.tool PLUGINS=$(abspath $(BUILD))/plugins EC=$(abspath $(BUILD))/extra-container CC="$(CC)" tests/man/check.sh

# What a machine can see of the sources.
.PHONY: check-lint lint
check-lint lint:
	@tests/lint/check.sh

# make install into a staging tree, and the Debian packages.
.PHONY: check-install check-deb
check-install: $(OTHER_PREFIX)
	@OBJECTS=$(abspath $(BUILD)) BUILD=$(abspath $(BUILD))/tests/install MAKE="$(MAKE)" tests/install/check.sh
check-deb:
ifeq ($(filter-out $(PLUGINS),create gc network shell ssh),)
	@tests/deb/check.sh
else
	@echo '1..0 # SKIP a plugin is not built'
endif

.PHONY: check-host check-trixie
check-host:
	@tests/host/check
# The same on Debian 13, and our Nix code with its Nix.
check-trixie:
	@tests/host/trixie
	@status=0; for t in $(wildcard tests/nix/*.test); do echo "# $$t"; tests/host/run --suite trixie bash $$t || status=1; done; tests/host/check --suite trixie && exit $$status

-include $(wildcard $(BUILD)/tests/*/*.d $(BUILD)/tests/*/*/*.d $(BUILD)/tests/*/*/*/*.d)
