"""Show the report of a night or training run in Airflow, as a tab of the DAG run.

Users who may see the DAG run may see its report. The report and the Data Docs next to it are read from the
lake, at the address that the task `report` returned.
"""

import mimetypes
from pathlib import PurePosixPath

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.xcom import XComModel
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, HTTPException, Response

# A report contains text that a model wrote. It may use styles and our own images, but no scripts.
_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"

app = FastAPI(title="DRP reports", openapi_url=None)
_may_see = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))


@app.get("/{dag_id}/{run_id}/{file:path}", dependencies=[_may_see])
def report(dag_id: str, run_id: str, file: str, session: SessionDep) -> Response:
    """Return a file of the report of one DAG run; 404 if it does not exist."""
    query = XComModel.get_many(dag_ids=dag_id, run_id=run_id, task_ids="report", key="return_value")
    row = session.scalars(query).first()
    address = str(XComModel.deserialize_value(row)) if row else ""
    content = _read(PurePosixPath(address).parent.name, PurePosixPath(file))
    if content is None:
        raise HTTPException(404, "There is no such page. The task `report` writes the report of a run.")
    kind = mimetypes.guess_type(file)[0]
    return Response(content, media_type=kind, headers={"Content-Security-Policy": _POLICY})


def _read(run: str, file: PurePosixPath) -> bytes | None:
    """Read a file in the folder of a run's report; None if it does not exist."""
    from drp.core import BadRunIdError, RunId
    from drp.lake import open_lake

    try:
        folder = RunId.parse(run)
    except BadRunIdError:
        return None
    if ".." in file.parts:
        return None
    return open_lake().store.get(f"_reports/{folder}/{str(file).lstrip('/')}")


class DrpReportsPlugin(AirflowPlugin):
    name = "drp_reports"
    fastapi_apps = [{"app": app, "url_prefix": "/drp-report", "name": "DRP reports"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "DRP report",
            "href": "/drp-report/{DAG_ID}/{RUN_ID}/report.html",
            "destination": "dag_run",
            "url_route": "drp_report",
        }
    ]
