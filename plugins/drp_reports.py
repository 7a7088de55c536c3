"""The night's report inside Airflow: a tab of the DAG run, for whoever may see that run.

The report and the Data Docs beside it are read from the lake; the task `report` returned their address.
"""

import mimetypes
import re
from pathlib import PurePosixPath

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.xcom import XComModel
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, HTTPException, Response

# A page holds what a model wrote: it may style itself and show our own pictures, and runs nothing.
_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"

# A night's name as the last folder of an address: the only part of it that is used.
_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}-[a-z0-9_]{1,64}")

app = FastAPI(title="DRP reports", openapi_url=None)
_may_see = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))


@app.get("/{dag_id}/{run_id}/{file:path}", dependencies=[_may_see])
def report(dag_id: str, run_id: str, file: str, session: SessionDep) -> Response:
    """A file of the report of one DAG run; 404 while there is none."""
    from drp.lake.lake import open_lake

    query = XComModel.get_many(dag_ids=dag_id, run_id=run_id, task_ids="report", key="return_value")
    found = session.scalars(query).first()
    night = PurePosixPath(str(XComModel.deserialize_value(found))).parent.name if found else ""
    inside = _NIGHT.fullmatch(night) and ".." not in PurePosixPath(file).parts
    content = open_lake().store.get(f"_reports/{night}/{file.lstrip('/')}") if inside else None
    if content is None:
        raise HTTPException(404, "There is no such page: a run's report comes with its task `report`.")
    kind = mimetypes.guess_type(file)[0]
    return Response(content, media_type=kind, headers={"Content-Security-Policy": _POLICY})


class DrpReportsPlugin(AirflowPlugin):
    name = "drp_reports"
    fastapi_apps = [{"app": app, "url_prefix": "/drp-report", "name": "DRP reports"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Night's report",
            "href": "/drp-report/{DAG_ID}/{RUN_ID}/report.html",
            "destination": "dag_run",
            "url_route": "drp_report",
        }
    ]
