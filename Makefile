# SPDX-License-Identifier: MIT
# Builds and installs without recursive make; tests/check.mk has the rules of the tests. `make help` lists all targets.

VERSION := 0.1.0
DATE    := November 23, 2026

# "## TEXT" above a target's .PHONY line or above a variable is its line in `make help`.
## Directory that everything is built in
BUILD       ?= build
## The plugins to build
PLUGINS     ?= $(filter-out common,$(sort $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/*.c))))))
## Set to 1 to print the full commands
V           ?= 0
## C compiler
CC          ?= cc
## Compiler options
CFLAGS      ?= -O2 -g
## Preprocessor options
CPPFLAGS    ?=
## Linker options
LDFLAGS     ?=
## Compiler options that make exploits harder; by default all that the compiler has
HARDENING   ?= $(hardening)
## pkg-config program
PKG_CONFIG  ?= pkg-config
## Prepended to each installed path, for packages
DESTDIR     ?=
## Directory to install below
PREFIX      ?= /usr/local
## Directory that extra-container.ini is read from
SYSCONFDIR  ?= /etc
## Directory that extra-container.ini is installed in
INIDIR      ?= $(SYSCONFDIR)
## Programs
BINDIR      ?= $(PREFIX)/bin
## Plugins and pkg-config files
LIBDIR      ?= $(PREFIX)/lib
## C headers
INCLUDEDIR  ?= $(PREFIX)/include
## Nix code and shell completions
DATADIR     ?= $(PREFIX)/share
## Manual pages
MANDIR      ?= $(DATADIR)/man
## Completions for bash
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
## Completions for zsh
ZSHCOMPDIR  ?= $(DATADIR)/zsh/site-functions
## Completions for fish; that of a distribution does not look in /usr/local
FISHCOMPDIR ?= $(if $(filter /usr/local,$(PREFIX)),$(SYSCONFDIR)/fish/completions,$(DATADIR)/fish/vendor_completions.d)
## Directories to search for programs that are not in PATH, separated by colons
EXTRAPATH   ?=

PLUGINDIR  := $(LIBDIR)/extra-container/plugins
PKGDATADIR := $(DATADIR)/extra-container

SAN     ?=
WARN    := -Wall -Wextra -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Werror=implicit-function-declaration -Wno-missing-field-initializers
# Sanitizers find more without them. _FORTIFY_SOURCE needs optimization, and a distribution or compiler may set its own.
hardening = $(if $(SAN),,$(eval hardening := $$(strip $$(foreach f,-fstack-protector-strong -fstack-clash-protection \
	-fcf-protection,$$(call supported,$$(f))) $$(fortify)))$(hardening))
supported = $(shell echo 'int f;' | $(CC) -Werror $(1) -x c -c - -o /dev/null 2>/dev/null && echo '$(1)')
fortify   = $(if $(fortified)$(unoptimized),,-D_FORTIFY_SOURCE=2)
fortified = $(findstring FORTIFY,$(CPPFLAGS) $(CFLAGS) $(shell $(CC) -O2 -dM -E - </dev/null 2>/dev/null))
unoptimized = $(filter-out -O -O1 -O2 -O3 -Og -Os -Oz,$(lastword -O0 $(filter -O%,$(CFLAGS))))
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) $(CPPFLAGS) $(CFLAGS) $(SAN)
HARDEN  := -Wl,-z,relro,-z,now
PLUGIN_CFLAGS = $(ALL_CFLAGS) -DEC_VERSION='"$(VERSION)"' -fPIC -fvisibility=hidden -Icore/include -Iplugins/common

LIBS := libsystemd libseccomp jansson inih
# pkg-config is called only when its output is needed, because on a new machine `make check` installs it first.
LIB_FLAGS = $(eval LIB_FLAGS := $$(call pkg_config,--cflags))$(LIB_FLAGS)
LIB_LINK  = $(eval LIB_LINK := $$(call pkg_config,--libs) -ldl)$(LIB_LINK)
pkg_config = $(shell $(PKG_CONFIG) $(1) $(LIBS) 2>/dev/null)$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $(no_libs)))
missing = $(foreach l,$(LIBS),$(shell $(PKG_CONFIG) --exists $(l) 2>/dev/null || echo $(l)))
no_libs = $(if $(shell command -v $(PKG_CONFIG)),$(PKG_CONFIG) does not find $(missing),$(PKG_CONFIG) is not \
	installed). On Debian: apt install pkg-config $(patsubst liblib%,lib%,$(patsubst %,lib%-dev,$(missing))). \
	`make check` installs everything that it needs

# Only these files of core/ contain the directories, so a build for another PREFIX recompiles only them.
PATH_SRC  := core/cli/main.c core/cli/app.c core/svc/conf/conf.c core/svc/process/env.c core/model/operation/layout.c
PATH_DEFS := -DEC_PLUGIN_DIR='"$(PLUGINDIR)"' -DEC_DATA_DIR='"$(PKGDATADIR)"' -DEC_SYSCONF_DIR='"$(SYSCONFDIR)"' \
	-DEC_EXTRA_PATH='"$(EXTRAPATH)"' -DEC_OWN_PLUGINS='"$(PLUGINS)"'
CORE_DEFS := -DEC_VERSION='"$(VERSION)"' $(PATH_DEFS)

CORE_SRC   := $(wildcard core/*.c core/*/*.c core/*/*/*.c)
CORE_OBJ   := $(CORE_SRC:%.c=$(BUILD)/obj/%.o)
MAIN_OBJ   := $(BUILD)/obj/core/cli/main.o
LIB_OBJ    := $(filter-out $(MAIN_OBJ),$(CORE_OBJ))
# plugins/common is not a plugin: every plugin links what it needs from it.
COMMON_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard plugins/common/*.c))
plugin_obj  = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard plugins/$(1)/*.c))
PLUGIN_OBJ := $(foreach p,$(PLUGINS),$(call plugin_obj,$(p)))
# Includes the objects of plugins that are not built.
ALL_OBJ    := $(CORE_OBJ) $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard plugins/*/*.c))
MODULES    := $(PLUGINS:%=$(BUILD)/plugins/%.so)
# Data files of plugins, in build/plugins/NAME/; of plugins that are not built, only feature.json.
PLUGIN_DATA := $(patsubst %,$(BUILD)/%,$(wildcard plugins/*/feature.json \
	$(PLUGINS:%=plugins/%/*.nix) $(PLUGINS:%=plugins/%/*.sh)))
# These are used only by Nix code that imports this tree.
PLUGIN_DATA := $(filter-out %/nixos.nix %/vm-test.nix,$(PLUGIN_DATA))
MAN := $(patsubst docs/man/%.in,$(BUILD)/man/%,$(wildcard docs/man/*.in))
INI := $(BUILD)/extra-container.ini

# $(call say,CC,FILE) begins a command: prints "CC FILE" instead of the command, or with V=1 the command itself.
Q   := $(if $(filter 1,$(V)),,@)
say  = $(if $(Q),@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %-7s %s\n' '$(1)' '$(2)'; ))

.DELETE_ON_ERROR:

## Build the program, its plugins and manual pages (the default)
.PHONY: all
all: $(BUILD)/extra-container $(MODULES) $(PLUGIN_DATA) prune man $(INI)

## Show this help
.PHONY: help
help:
	@$(foreach v,$(shell sed -n '/^## /{n;s/ *?=.*//p}' Makefile),value_$(v)='$($(v))') awk ' \
		/^## / { text = substr($$0, 4); next } \
		text && $$1 == ".PHONY:" { targets = targets sprintf("  %-16s %s\n", $$2, text) } \
		text && $$2 == "?=" { v = ENVIRON["value_" $$1]; \
			variables = variables sprintf("  %-16s %s%s\n", $$1, text, v == "" ? "" : " [" v "]") } \
		{ text = "" } END { printf "Targets:\n%s\nVariables [and their values]:\n%s", targets, variables }' \
		Makefile $(wildcard tests/check.mk)

# Removes the results of earlier builds: objects of deleted sources, and plugins that are not in PLUGINS.
.PHONY: prune
prune:
	@rm -rf $(stale_obj) $(stale_obj:.o=.d) \
		$(filter-out $(MODULES) $(PLUGIN_DATA) $(patsubst %/,%,$(dir $(PLUGIN_DATA))),$(wildcard \
		$(BUILD)/plugins/* $(BUILD)/plugins/*/*))
stale_obj = $(filter-out $(ALL_OBJ),$(wildcard $(BUILD)/obj/*/*.o $(BUILD)/obj/*/*/*.o $(BUILD)/obj/*/*/*/*.o))

$(BUILD)/obj/core/%.o: core/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(HARDENING) $(ALL_CFLAGS) -DEC_VERSION='"$(VERSION)"' $(DEFS) $(LIB_FLAGS) -fPIE -Icore -Icore/include \
		-MMD -MP -c $< -o $@

$(BUILD)/libcore.a: $(LIB_OBJ) $(BUILD)/objects
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/extra-container: $(MAIN_OBJ) $(BUILD)/libcore.a
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(HARDEN) -pie $^ -o $@ $(LIB_LINK)

# Targets that depend on one of these files are rebuilt when its text changes.
$(BUILD)/flags: text = $(CC) $(HARDENING) $(ALL_CFLAGS) $(LDFLAGS) $(VERSION)
$(BUILD)/paths: text = $(PATH_DEFS)
$(BUILD)/objects: text = $(ALL_OBJ)
$(BUILD)/man/.plugins: text = $(PLUGINS)
$(BUILD)/flags $(BUILD)/paths $(BUILD)/objects $(BUILD)/man/.plugins: FORCE
	@mkdir -p $(@D)
	@echo '$(text)' | cmp -s - $@ || echo '$(text)' > $@
$(PATH_SRC:%.c=$(BUILD)/obj/%.o): $(BUILD)/paths
$(PATH_SRC:%.c=$(BUILD)/obj/%.o): DEFS = $(PATH_DEFS)
.PHONY: FORCE
FORCE:

$(BUILD)/obj/plugins/%.o: plugins/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(HARDENING) $(PLUGIN_CFLAGS) $(if $(filter plugins/common/%,$<),-Icore) -MMD -MP -c $< -o $@

$(BUILD)/libplugin.a: $(COMMON_OBJ) $(BUILD)/objects
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

# -z,defs: a plugin imports only libc. gcc's sanitizers are compatible with it.
define plugin_rule
$(BUILD)/plugins/$(1).so: $(call plugin_obj,$(1)) $(BUILD)/libplugin.a $(BUILD)/objects
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) $$(HARDEN) -shared -Wl,-z,defs $$(filter %.o %.a,$$^) -o $$@
endef
$(foreach p,$(PLUGINS),$(eval $(call plugin_rule,$(p))))

$(PLUGIN_DATA): $(BUILD)/plugins/%: plugins/%
	@mkdir -p $(@D)
	$(call say,CP,$@)cp $< $@

# Manual pages and the INI are generated from templates and the tables of the program and its plugins. With `make MAN=`,
# for cross compilers, the INI has no settings.
TABLES := $(BUILD)/man/.tool $(BUILD)/man/.plugins $(MODULES)
## Build the manual pages (`make MAN=` builds without them)
.PHONY: man
man: $(MAN)

$(BUILD)/man/.tool: $(wildcard docs/man/*.[ch]) $(BUILD)/libcore.a $(BUILD)/flags $(BUILD)/paths
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(CORE_DEFS) -DEC_DATE='"$(DATE)"' $(LIB_FLAGS) -Icore -Icore/include \
		$(filter %.c %.a,$^) -o $@ $(LIB_LINK)

$(MAN): $(BUILD)/man/%: docs/man/%.in $(TABLES) $(wildcard plugins/*/man.mdoc) \
		core/include/extra-container/plugin.h | prune
	$(call say,MAN,$@)$(BUILD)/man/.tool $< $(BUILD)/plugins . > $@

$(INI): etc/extra-container.ini.in $(if $(MAN),$(TABLES),$(BUILD)/paths) | prune
	$(call say,INI,$@)$(if $(MAN),$(BUILD)/man/.tool $< $(BUILD)/plugins ., \
		sed -e '/^@/d' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' $<) > $@

# nix/settings.nix reads copies of the tables: nix/paths.json, nix/start.json and plugins/NAME/settings.json.
## Update the tables of settings that the NixOS module reads
.PHONY: settings
settings: $(TABLES) | prune
	@table() { echo "@json $$1" | $(BUILD)/man/.tool /dev/stdin $(BUILD)/plugins . > "$$2.new" && mv "$$2.new" "$$2"; }; \
	table paths nix/paths.json && table start nix/start.json && for p in $(PLUGINS); do table "$$p" "plugins/$$p/settings.json" || exit; done

## Remove all build results
.PHONY: clean
clean:
	$(call say,RM,$(BUILD))rm -rf $(addprefix $(BUILD)/,man obj plugins tests extra-container \
		extra-container.ini libcore.a libplugin.a flags paths objects)

# ---- install ---------------------------------------------------------------
D := $(DESTDIR)
# The code that evaluates definitions; the other files in nix/ are for Nix code that imports this tree.
EVALUATION := $(wildcard nix/eval/*.nix nix/eval/*.sh)

# Relative to the prefix, so that `pkg-config --define-variable=prefix=DIR` moves all paths.
define PC_FILE
prefix=$(PREFIX)
libdir=$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))
includedir=$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))
plugindir=$${libdir}/extra-container/plugins

Name: extra-container
Description: Plugins of extra-container
Version: $(VERSION)
Cflags: -I$${includedir}
endef
export PC_FILE

## Build and install
.PHONY: install
install: all
	$(call say,INSTALL,$(D)$(PREFIX))install -d $(D)$(BINDIR) $(D)$(PLUGINDIR) $(D)$(PKGDATADIR)/nix $(D)$(INIDIR)/extra-container.d
	$(Q)install -m 755 $(BUILD)/extra-container $(D)$(BINDIR)/extra-container
	$(Q)for m in $(MODULES); do install -m 755 $$m $(D)$(PLUGINDIR)/ || exit; done
	$(Q)for f in $(PLUGIN_DATA:$(BUILD)/plugins/%=%); do \
		install -D -m 644 plugins/$$f $(D)$(PLUGINDIR)/$$f || exit; done
	$(Q)install -m 644 $(EVALUATION) $(D)$(PKGDATADIR)/nix/
	$(Q)test -e $(D)$(INIDIR)/extra-container.ini || install -m 644 $(INI) $(D)$(INIDIR)/
	$(Q)install -D -m 644 core/include/extra-container/plugin.h $(D)$(INCLUDEDIR)/extra-container/plugin.h
	$(Q)for m in $(MAN:$(BUILD)/man/%=%); do \
		install -D -m 644 $(BUILD)/man/$$m $(D)$(MANDIR)/man$${m##*.}/$$m || exit; done
	$(Q)install -D -m 644 completions/extra-container.bash $(D)$(BASHCOMPDIR)/extra-container
	$(Q)install -D -m 644 completions/extra-container.zsh $(D)$(ZSHCOMPDIR)/_extra-container
	$(Q)install -D -m 644 completions/extra-container.fish $(D)$(FISHCOMPDIR)/extra-container.fish
	$(Q)install -D -m 644 /dev/null $(D)$(LIBDIR)/pkgconfig/extra-container.pc
	$(Q)printf '%s\n' "$$PC_FILE" > $(D)$(LIBDIR)/pkgconfig/extra-container.pc

# Each file is removed separately, because other packages install plugins and settings in the same directories.
INSTALLED = $(BINDIR)/extra-container $(MODULES:$(BUILD)/plugins/%=$(PLUGINDIR)/%) \
	$(PLUGIN_DATA:$(BUILD)/plugins/%=$(PLUGINDIR)/%) \
	$(EVALUATION:nix/eval/%=$(PKGDATADIR)/nix/%) $(INCLUDEDIR)/extra-container/plugin.h \
	$(foreach m,$(MAN:$(BUILD)/man/%=%),$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(m)) \
	$(BASHCOMPDIR)/extra-container $(ZSHCOMPDIR)/_extra-container $(FISHCOMPDIR)/extra-container.fish \
	$(LIBDIR)/pkgconfig/extra-container.pc
INSTALLED_DIRS = $(patsubst $(BUILD)/plugins/%/,$(PLUGINDIR)/%,$(sort $(dir $(PLUGIN_DATA)))) $(PLUGINDIR) \
	$(LIBDIR)/extra-container $(PKGDATADIR)/nix $(PKGDATADIR) $(INCLUDEDIR)/extra-container \
	$(INIDIR)/extra-container.d

## Remove the installed files except settings and other plugins; needs the same variables as install
.PHONY: uninstall
uninstall:
	$(call say,RM,$(D)$(PREFIX))rm -f $(addprefix $(D),$(INSTALLED))
	$(Q)for d in $(addprefix $(D),$(INSTALLED_DIRS)); do rmdir $$d 2>/dev/null || :; done

include $(wildcard tests/check.mk)
-include $(CORE_OBJ:.o=.d) $(wildcard $(BUILD)/obj/plugins/*/*.d)
