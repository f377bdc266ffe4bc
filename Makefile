# SPDX-License-Identifier: MIT
# One makefile, never recursive. `make`, `make check`, `make demo`, `make install`.

VERSION := 0.1.0
DATE    := November 23, 2026
BUILD   ?= build
PLUGINS ?= $(filter-out common,$(sort $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/*.c))))))

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
LIBDIR     ?= $(PREFIX)/lib
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
BINDIR     ?= $(PREFIX)/bin
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
ZSHCOMPDIR  ?= $(DATADIR)/zsh/site-functions
FISHCOMPDIR ?= $(DATADIR)/fish/vendor_completions.d
PLUGINDIR  := $(LIBDIR)/extra-container/plugins
PKGDATADIR := $(DATADIR)/extra-container
# Where the INI is installed, if that is not where it is read from; and directories of programs that PATH has not.
INIDIR     ?= $(SYSCONFDIR)
EXTRAPATH  ?=

CC      ?= cc
PKG_CONFIG ?= pkg-config
CFLAGS  ?= -O2 -g
SAN     ?=
WARN    := -Wall -Wextra -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Werror=implicit-function-declaration -Wno-missing-field-initializers
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) $(SAN)
HARDEN  := -Wl,-z,relro,-z,now

LIBS      := libsystemd jansson inih
# Asked for when needed: on a fresh machine `make check` installs pkg-config first.
LIB_FLAGS = $(eval LIB_FLAGS := $$(shell $(PKG_CONFIG) --cflags $$(LIBS)))$(LIB_FLAGS)
LIB_LINK  = $(eval LIB_LINK := $$(shell $(PKG_CONFIG) --libs $$(LIBS)) -ldl)$(LIB_LINK)
# core/ knows the directories in these files alone: another PREFIX compiles no others again.
PATH_SRC  := core/cli/main.c core/cli/app.c core/svc/conf/conf.c core/svc/process/env.c core/model/operation/layout.c
PATH_DEFS := -DEC_PLUGIN_DIR='"$(PLUGINDIR)"' -DEC_DATA_DIR='"$(PKGDATADIR)"' -DEC_SYSCONF_DIR='"$(SYSCONFDIR)"' -DEC_EXTRA_PATH='"$(EXTRAPATH)"' -DEC_OWN_PLUGINS='"$(PLUGINS)"'
CORE_DEFS := -DEC_VERSION='"$(VERSION)"' $(PATH_DEFS)

CORE_SRC := $(wildcard core/*.c core/*/*.c core/*/*/*.c)
CORE_OBJ := $(CORE_SRC:%.c=$(BUILD)/obj/%.o)
MAIN_OBJ := $(BUILD)/obj/core/cli/main.o
LIB_OBJ  := $(filter-out $(MAIN_OBJ),$(CORE_OBJ))
MODULES  := $(PLUGINS:%=$(BUILD)/plugins/%.so)
# Files that belong to a plugin beside its code, in build/plugins/NAME/.
PLUGIN_DATA := $(foreach p,$(PLUGINS),$(patsubst plugins/%,$(BUILD)/plugins/%,$(wildcard plugins/$(p)/*.nix plugins/$(p)/*.sh)))

.PHONY: all
all: $(BUILD)/extra-container $(MODULES) $(PLUGIN_DATA) prune man

# Plugins that were built before and are left out now.
.PHONY: prune
prune:
	@cd $(BUILD)/plugins 2>/dev/null || exit 0; for p in *; do case ' $(PLUGINS) ' in *" $${p%.so} "*) ;; *) rm -rf "./$$p" ;; esac; done

$(BUILD)/obj/core/%.o: core/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DEC_VERSION='"$(VERSION)"' $(DEFS) $(LIB_FLAGS) -fPIE -Icore -Icore/include -MMD -MP -c $< -o $@

$(BUILD)/libcore.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/extra-container: $(MAIN_OBJ) $(BUILD)/libcore.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(HARDEN) -pie $^ -o $@ $(LIB_LINK)

# Objects carry the flags they were built with.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(VERSION)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(VERSION)' > $@
$(BUILD)/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(PATH_DEFS)' | cmp -s - $@ || echo '$(PATH_DEFS)' > $@
$(PATH_SRC:%.c=$(BUILD)/obj/%.o): $(BUILD)/paths
$(PATH_SRC:%.c=$(BUILD)/obj/%.o): DEFS = $(PATH_DEFS)
.PHONY: FORCE
FORCE:

$(BUILD)/obj/plugins/%.o: plugins/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DEC_VERSION='"$(VERSION)"' -fPIC -fvisibility=hidden -Icore/include -Iplugins/common $(if $(filter plugins/common/%,$<),-Icore) -MMD -MP -c $< -o $@

COMMON_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard plugins/common/*.c))
$(BUILD)/libplugin.a: $(COMMON_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# -z,defs: a plugin imports nothing but libc. gcc's sanitizers live with it.
define plugin_rule
$(BUILD)/plugins/$(1).so: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard plugins/$(1)/*.c)) $(BUILD)/libplugin.a
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) $$(HARDEN) -shared -Wl,-z,defs $$^ -o $$@
endef
$(foreach p,$(PLUGINS),$(eval $(call plugin_rule,$(p))))

$(PLUGIN_DATA): $(BUILD)/plugins/%: plugins/%
	@mkdir -p $(@D)
	cp $< $@

# Man pages: templates, and what the tables of the program and of these plugins hold. `make MAN=` does without.
MAN := $(patsubst docs/man/%.in,$(BUILD)/man/%,$(wildcard docs/man/*.in))
.PHONY: man
man: $(MAN)

$(BUILD)/man/.tool: docs/man/man.c $(BUILD)/libcore.a $(BUILD)/flags $(BUILD)/paths
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CORE_DEFS) -DEC_DATE='"$(DATE)"' $(LIB_FLAGS) -Icore -Icore/include $(filter %.c %.a,$^) -o $@ $(LIB_LINK)

$(BUILD)/man/.plugins: FORCE
	@mkdir -p $(@D)
	@echo '$(PLUGINS)' | cmp -s - $@ || echo '$(PLUGINS)' > $@

$(MAN): $(BUILD)/man/%: docs/man/%.in $(BUILD)/man/.tool $(BUILD)/man/.plugins $(MODULES) $(wildcard plugins/*/man.mdoc) core/include/extra-container/plugin.h | prune
	$(BUILD)/man/.tool $< $(BUILD)/plugins . > $@.new
	@mv $@.new $@

.PHONY: clean
clean:
	rm -rf $(BUILD)/man $(BUILD)/obj $(BUILD)/plugins $(BUILD)/extra-container $(BUILD)/libcore.a $(BUILD)/tests $(BUILD)/flags $(BUILD)/paths

# ---- install ---------------------------------------------------------------
D := $(DESTDIR)
FEATURES := $(wildcard plugins/*/feature.json)
# What evaluates definitions; the other files in nix/ are for those who import this tree.
EVALUATION := $(wildcard nix/eval/*.nix)

.PHONY: install uninstall
install: all
	install -d $(D)$(BINDIR) $(D)$(PLUGINDIR) $(D)$(PKGDATADIR)/nix $(D)$(PKGDATADIR)/features $(D)$(INIDIR) $(D)$(PREFIX)/include/extra-container $(D)$(LIBDIR)/pkgconfig
	install -m 755 $(BUILD)/extra-container $(D)$(BINDIR)/extra-container
	for m in $(MODULES); do install -m 755 $$m $(D)$(PLUGINDIR)/ || exit; done
	for f in $(PLUGIN_DATA:$(BUILD)/plugins/%=%); do install -D -m 644 plugins/$$f $(D)$(PLUGINDIR)/$$f || exit; done
	for f in $(FEATURES); do install -m 644 $$f $(D)$(PKGDATADIR)/features/$$(basename $$(dirname $$f)).json || exit; done
	install -m 644 $(EVALUATION) $(D)$(PKGDATADIR)/nix/
	test -e $(D)$(INIDIR)/extra-container.ini || install -m 644 etc/extra-container.ini $(D)$(INIDIR)/extra-container.ini
	install -m 644 core/include/extra-container/plugin.h $(D)$(PREFIX)/include/extra-container/plugin.h
	for m in $(MAN:$(BUILD)/man/%=%); do install -D -m 644 $(BUILD)/man/$$m $(D)$(MANDIR)/man$${m##*.}/$$m || exit; done
	install -D -m 644 completions/extra-container.bash $(D)$(BASHCOMPDIR)/extra-container
	install -D -m 644 completions/extra-container.zsh $(D)$(ZSHCOMPDIR)/_extra-container
	install -D -m 644 completions/extra-container.fish $(D)$(FISHCOMPDIR)/extra-container.fish
	printf 'prefix=%s\nplugindir=%s\n\nName: extra-container\nDescription: plugins of extra-container\nVersion: %s\nCflags: -I$${prefix}/include\n' '$(PREFIX)' '$(PLUGINDIR)' '$(VERSION)' > $(D)$(LIBDIR)/pkgconfig/extra-container.pc
	chmod 644 $(D)$(LIBDIR)/pkgconfig/extra-container.pc

uninstall:
	rm -f $(D)$(BINDIR)/extra-container $(D)$(PREFIX)/include/extra-container/plugin.h $(D)$(LIBDIR)/pkgconfig/extra-container.pc
	rm -f $(foreach m,$(MAN:$(BUILD)/man/%=%),$(D)$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(m))
	rm -f $(D)$(BASHCOMPDIR)/extra-container $(D)$(ZSHCOMPDIR)/_extra-container $(D)$(FISHCOMPDIR)/extra-container.fish
	rm -rf $(D)$(LIBDIR)/extra-container $(D)$(PKGDATADIR)
	-rmdir $(D)$(PREFIX)/include/extra-container 2>/dev/null

include $(wildcard tests/check.mk)
-include $(CORE_OBJ:.o=.d) $(wildcard $(BUILD)/obj/plugins/*/*.d)
