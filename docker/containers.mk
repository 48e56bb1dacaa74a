# The containers: included by the Makefile. Every target is one call of scripts/stack or of a script beside it.
#   PROFILE=core     without the monitoring extras, for 4 GB
#   SCALE="celery_train=3 celery_predict=2 ws_monitor=2 backend2=2"
#   BUILD=no         use the images as they are

STACK := scripts/stack
export PROFILE SCALE BUILD ENV_FILE YES
SOURCE ?= sample
EXCHANGE ?= US
HORIZON ?= 5
MODEL ?= ridge

.PHONY: env up up-database up-kafka up-backend up-celery up-frontend up-monitor down down-all logs ps \
        ingest train predict backup restore publish test-compose integration-containers clean-containers container-locks

##@ Containers (Docker Compose)

env: ## write .env with random secrets, if it is absent
	@scripts/make_env $(ENV_FILE)

up: ## build and start everything, wait until healthy, show the URLs
	@$(STACK) up

up-database up-kafka up-backend up-celery up-frontend up-monitor: up-%: ## the same for one compose file
	@$(STACK) up $*

down: ## stop and remove the containers; the data stay
	@$(STACK) down

down-all: ## the same, and remove the network and the images built here; the data stay
	@$(STACK) remove

ps: ## the containers, their state and their addresses
	@$(STACK) status

logs: ## follow the logs: make logs [SERVICE=backend2]
	@$(STACK) compose logs --follow --tail 200 $(SERVICE)

ingest: ## load prices: make ingest [SOURCE=sample|yfinance|file] [TICKER=X EXCHANGE=US FILE=prices.csv]
	@SOURCE="$(SOURCE)" TICKER="$(TICKER)" EXCHANGE="$(EXCHANGE)" FILE="$(FILE)" scripts/ingest.sh

train: ## train a model: make train TICKER=AAPL [MODEL=ridge HORIZON=5 EXCHANGE=US]
	@$(STACK) compose exec -T workflows stock-mlops train "$(or $(TICKER),AAPL)" --exchange "$(EXCHANGE)" --model "$(MODEL)" --horizon "$(HORIZON)"

predict: ## one forecast: make predict TICKER=AAPL [EXCHANGE=US]
	@$(STACK) compose exec -T workflows stock-mlops predict "$(or $(TICKER),AAPL)" --exchange "$(EXCHANGE)"

backup: ## save models, predictions and prices below backups/
	@scripts/backup.sh $(BACKUP)

restore: ## bring a backup back: make restore [BACKUP=backups/...] (default: the newest)
	@scripts/restore.sh $(BACKUP)

publish: ## build and push the images: make publish IMAGE_PREFIX=registry/owner IMAGE_TAG=1.2.3
	@IMAGE_PREFIX="$(IMAGE_PREFIX)" IMAGE_TAG="$(IMAGE_TAG)" scripts/publish.sh

test-compose: ## start the whole stack in a project of its own and use it; needs Docker
	@scripts/test_compose

integration-containers: setup-dev ## the integration tests on PostgreSQL, ClickHouse and Redis in containers; needs Docker
	@scripts/test_compose servers

clean-containers: ## delete the containers and their data; asks first, unless YES=1
	@$(STACK) purge

# "make clean" is for both profiles.
clean: clean-containers

# Universal, so that one file serves every platform; no index is written, so that a mirror's address cannot slip in.
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
        --no-emit-package stock-kit $(UPGRADE)

container-locks: $(BIN)/uv ## lock what the images install: make container-locks [UPGRADE=--upgrade]
	$(LOCK) docker/requirements-build.in -o requirements-build.lock
	$(LOCK) backend/pyproject.toml --extra flower -o requirements-backend.lock
	$(LOCK) ws_monitor/pyproject.toml -c requirements-backend.lock -o requirements-ws-monitor.lock
	$(LOCK) metrics_publisher/pyproject.toml -c requirements-backend.lock -o requirements-metrics-publisher.lock
	$(LOCK) docker/mlflow/requirements.in -c requirements-backend.lock -o requirements-mlflow.lock

# Those of the local profile are held to these.
locks: container-locks
