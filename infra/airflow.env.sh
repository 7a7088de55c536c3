# Airflow's settings on this machine, the only place for them. Source it in bash, then use Airflow's command:
#   . infra/airflow.env.sh && airflow pools list
_drp=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case ":$PATH:" in *":$_drp/.venv/bin:"*) ;; *) export PATH="$_drp/.venv/bin:$PATH" ;; esac

export DRP_HOME="${DRP_HOME:-$_drp}"                      # relative paths in settings count from here
export AIRFLOW_HOME="${DRP_AIRFLOW_HOME:-$_drp/.airflow}"
export AIRFLOW__CORE__DAGS_FOLDER="$_drp/dags"
export AIRFLOW__CORE__PLUGINS_FOLDER="$_drp/plugins"
export AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__EXECUTOR=LocalExecutor
export AIRFLOW__CORE__PARALLELISM=4                   # task processes; a stage spreads over the cores itself
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="sqlite:///$AIRFLOW_HOME/airflow.db"
export AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS=False
# The UI answers on this machine only. The task runner finds the server by BASE_URL: the two belong together.
export AIRFLOW__API__HOST=127.0.0.1
export AIRFLOW__API__PORT="${PORT:-8080}"
export AIRFLOW__API__BASE_URL="http://localhost:$AIRFLOW__API__PORT"
export AIRFLOW__API__WORKERS=1
export AIRFLOW__API__EXPOSE_CONFIG=False
export AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT=60     # its first answer takes long on a busy machine
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=admin:admin
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
# Great Expectations reports every metric at INFO, and its usage home.
export AIRFLOW__LOGGING__NAMESPACE_LEVELS="great_expectations=WARNING"
export GX_ANALYTICS_ENABLED=false
unset _drp
