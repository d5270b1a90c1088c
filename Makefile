# make help          what there is
# Everything stands on scripts/setup.sh, which does nothing when it is up to date.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench soak check-install clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## install and build everything (ROS as sourced, else from wheels in .ros/)
	@scripts/setup.sh

demo: setup ## localize a drive through a rendered town; DATA=DIR [CONDITION=night] for a data set of your own
	@. scripts/ros-env.sh && DATA='$(DATA)' CONDITION='$(CONDITION)' scripts/demo.sh

test: setup ## all tests: units, whole flows, a real ROS graph; ends with "N passed, N failed"
	@. scripts/ros-env.sh && node scripts/testing/run.js $(TESTS)

lint: setup ## rules, format and types
	@node_modules/.bin/eslint . --report-unused-disable-directives
	@node_modules/.bin/prettier --check --log-level warn .
	@node_modules/.bin/tsc -p tsconfig.json --noEmit

bench: setup ## every benchmark of bench/ that needs no arguments, but for the soak; says how to call the others
	@. scripts/ros-env.sh && for file in $(filter-out dist/bench/soak.js,$(patsubst %.ts,dist/%.js,$(wildcard bench/*.ts))); do \
	  echo "== $$file"; code=0; node "$$file" || code=$$?; \
	  case $$code in 0) ;; 2) echo "skipped: it needs arguments" ;; *) exit $$code ;; esac; \
	done

soak: setup ## the node under a camera for SECONDS (1800): memory, punctuality, end
	@. scripts/ros-env.sh && node dist/bench/soak.js $(or $(SECONDS),1800)

check-install: setup ## build with cmake into an empty prefix and start the node that was installed there
	@. scripts/ros-env.sh && scripts/check-install.sh

clean: ## remove what was built; setup makes it again (the compiled add-ons come from the cache)
	rm -rf dist node_modules .ros coverage out
