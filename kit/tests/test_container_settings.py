"""A setting that the compose files do not hand over works everywhere but in containers, and nobody notices."""

import re

from stock_kit.settings import known_variables, project_root

# The root is fixed in the image; MLflow's own server alone speaks to its database; the rest is the local profile's.
NOT_HANDED_OVER = re.compile(r"STOCK_ROOT|STOCK_MLFLOW_DB__(POOL_SIZE|CONNECT_TIMEOUT)|STOCK_LOCAL__\w+")


def test_the_compose_files_hand_every_setting_to_a_container() -> None:
    files = [project_root() / "docker" / "common.yml", *project_root().glob("docker-compose.*.yml")]
    handed_over = set(re.findall(r"[A-Z][A-Z0-9_]+", "".join(file.read_text() for file in files)))
    absent = {name for name in known_variables() if not NOT_HANDED_OVER.fullmatch(name)} - handed_over
    assert not absent, f"add {', '.join(sorted(absent))} to docker/common.yml or to the service that uses it"
