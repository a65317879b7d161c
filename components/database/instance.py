"""PostgreSQL on RDS: one instance, the source of its data, its replicas and backups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from arca.naming import BACKUP_TAG, physical
from arca.outputs import DatabaseOutputs
from components.component import Component, Place
from components.database.spec import DatabaseSpec, PointInTime, Snapshot, parameters
from components.iam import trust
from components.wires import EncryptionKey, Login, Placement

DATABASE_NAME = "arca"
DATABASE_PORT = 5432
INSIGHTS_DAYS = {"standard": 7, "advanced": 465}
"""Days of history in each mode (Amazon RDS User Guide, "Monitoring with Database Insights")."""


@dataclass(frozen=True)
class SharedParts:
    """The resources that the instance and its read replicas share."""

    parameter_group: pulumi.Output[str]
    subnet_group: pulumi.Output[str]
    monitoring_role: pulumi.Output[str]
    before: list[pulumi.Resource]
    """Resources that must exist before an instance does."""


class Database(Component):
    """The database.

    Produces: subnet group, parameter group, monitoring role, log groups, the instance and its
    read replicas; where the stack has a DR region, also the replication of automated backups.
    """

    identifier: pulumi.Output[str]
    arn: pulumi.Output[str]
    address: pulumi.Output[str]
    resource_id: pulumi.Output[str]
    managed_secret_arns: dict[str, pulumi.Output[str]]
    """The owner's secret by its role, where RDS generates the password."""
    replica_addresses: list[pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: DatabaseSpec,
        place: Place,
        *,
        at: Placement,
        key: EncryptionKey,
        secrets_key_arn: pulumi.Input[str],
        log_key_arn: pulumi.Input[str],
        owner: Login,
        replica_of: pulumi.Input[str] | None,
        standby: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:database:Database", name, place, data_class="confidential", opts=opts
        )
        self._spec, self._key_arn = spec, key.arn
        # Secrets Manager uses the key for the secret that RDS makes, and the data's key refuses it.
        self._secrets_key_arn = secrets_key_arn
        self._security_group_id = at.security_group_id
        self._counted = f"-{spec.generation}" if spec.generation > 1 else ""
        identifier = physical(f"{place.prefix}{self._counted}", limit=63)
        major = spec.engine_version.split(".", maxsplit=1)[0]
        subnets = aws.rds.SubnetGroup(name, subnet_ids=at.subnet_ids, opts=self.child())
        group = aws.rds.ParameterGroup(
            f"{name}-{major}",
            family=f"postgres{major}",
            parameters=[
                {"name": key, "value": value, "apply_method": method}
                for key, value, method in parameters(spec)
            ],
            opts=self.child(),
        )
        role = aws.iam.Role(
            f"{name}-monitoring",
            assume_role_policy=trust("monitoring.rds.amazonaws.com", account_id=place.account_id),
            opts=self.child(),
        )
        monitoring = aws.iam.RolePolicyAttachment(
            f"{name}-monitoring",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
            opts=self.child(),
        )
        # RDS would create these groups itself, without a key and without a retention.
        logs = [
            aws.cloudwatch.LogGroup(
                f"{name}{counted}-{log}",
                name=f"/aws/rds/instance/{place.prefix}{counted}/{log}",
                kms_key_id=log_key_arn,
                retention_in_days=90,
                opts=self.child(),
            )
            # The groups of earlier instances say what happened to them, and stay.
            for counted in ("", *(f"-{n}" for n in range(2, spec.generation + 1)))
            for log in ("postgresql", "upgrade")
        ]
        self._common = SharedParts(group.name, subnets.name, role.arn, [monitoring, *logs])

        self._owner = owner
        instance = self._instance(
            f"{name}{self._counted}",
            identifier,
            replica_of=replica_of,
            makes_data=spec.source.kind not in ("replica", "promoted"),
            multi_az=spec.multi_az and not standby,
            backup_days=spec.backup_days,
            tags=BACKUP_TAG,
        )
        replicas = [
            self._instance(
                f"{name}{self._counted}-replica-{number}",
                physical(f"{place.prefix}{self._counted}", f"replica-{number}", limit=63),
                replica_of=instance.identifier,
                makes_data=False,
                multi_az=False,
                backup_days=0,
            )
            for number in range(1, spec.read_replicas + 1)
        ]
        # Whoever follows another region's database has its backups there.
        if place.replica_region is not None and not standby and spec.replicate_backups:
            aws.rds.InstanceAutomatedBackupsReplication(
                f"{name}{self._counted}",
                region=place.replica_region,
                source_db_instance_arn=instance.arn,
                kms_key_id=key.replica_arn,
                retention_period=spec.backup_days,
                opts=self.durable(),
            )
        self.identifier = instance.identifier
        self.arn = instance.arn
        self.address = instance.address
        self.resource_id = instance.resource_id
        self.managed_secret_arns = (
            {"database-owner": instance.master_user_secrets[0].secret_arn}
            if spec.managed_password
            else {}
        )
        self.replica_addresses = [replica.address for replica in replicas]
        self.register_outputs({"address": instance.address, "arn": instance.arn})

    def variables(self, *, host: pulumi.Output[str]) -> dict[str, pulumi.Input[str]]:
        """Return the variables with which the service finds the database."""
        return {
            "DATABASE_HOST": host,
            "DATABASE_ADDRESS": self.address,
            "DATABASE_PORT": str(DATABASE_PORT),
            "DATABASE_NAME": DATABASE_NAME,
        }

    def outputs(
        self, *, host: pulumi.Output[str], is_replica: bool
    ) -> DatabaseOutputs[pulumi.Output[str]]:
        """The database's part of the stack's exports; `host` is what the service connects to."""
        return DatabaseOutputs[pulumi.Output[str]](
            identifier=self.identifier,
            arn=self.arn,
            resource_id=self.resource_id,
            address=self.address,
            host=host,
            port=DATABASE_PORT,
            name=DATABASE_NAME,
            read_replica_addresses=self.replica_addresses,
            is_replica=is_replica,
            generation=self._spec.generation,
        )

    def _instance(
        self,
        logical: str,
        identifier: str,
        *,
        replica_of: pulumi.Input[str] | None,
        makes_data: bool,
        multi_az: bool,
        backup_days: int,
        tags: Mapping[str, str] | None = None,
    ) -> aws.rds.Instance:
        """Declare one instance.

        A replica takes engine, storage and owner from its source, and may not name them before
        or after its promotion (Amazon RDS API, CreateDBInstanceReadReplica). A restored instance
        has its backup's storage: RDS refuses less, and autoscaling may have made more of it than
        any file says (RestoreDBInstanceFromDBSnapshot, AllocatedStorage).
        """
        spec, common = self._spec, self._common
        source = spec.source if makes_data else None
        # A restored instance has its owner and its database already.
        empty = source is not None and source.kind == "new"
        managed = makes_data and spec.managed_password
        # A promoted replica has its owner, whose password the secrets set from then on.
        owned = makes_data or (replica_of is None and spec.source.kind == "promoted")
        password = self._owner.password if owned else None
        # RDS takes no final snapshot of a replica (DeleteDBInstance, SkipFinalSnapshot).
        final_snapshot = (
            None
            if self.place.disposable or replica_of is not None
            else self._final_snapshot(logical, identifier)
        )
        return aws.rds.Instance(
            logical,
            identifier=identifier,
            engine="postgres" if makes_data else None,
            engine_version=spec.engine_version,
            instance_class=spec.instance_class,
            replicate_source_db=replica_of,
            snapshot_identifier=source.snapshot_id if isinstance(source, Snapshot) else None,
            restore_to_point_in_time=_restore(source) if isinstance(source, PointInTime) else None,
            db_name=DATABASE_NAME if empty else None,
            username=self._owner.username if empty else None,
            password_wo=password,
            password_wo_version=self._owner.version if password is not None else None,
            manage_master_user_password=managed or None,
            master_user_secret_kms_key_id=self._secrets_key_arn if managed else None,
            iam_database_authentication_enabled=spec.iam_authentication,
            allocated_storage=spec.storage_gib if empty else None,
            max_allocated_storage=spec.storage_max_gib,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=self._key_arn,
            multi_az=multi_az,
            db_subnet_group_name=common.subnet_group,
            vpc_security_group_ids=[self._security_group_id],
            publicly_accessible=False,
            port=DATABASE_PORT,
            ca_cert_identifier=spec.ca_certificate,
            parameter_group_name=common.parameter_group,
            backup_retention_period=backup_days,
            backup_window=spec.backup_window,
            maintenance_window=spec.maintenance_window,
            delete_automated_backups=False,
            tags=tags,
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=False,
            apply_immediately=False,
            blue_green_update={"enabled": True}
            if spec.blue_green_upgrades and makes_data
            else None,
            deletion_protection=self.place.protect,
            skip_final_snapshot=final_snapshot is None,
            final_snapshot_identifier=final_snapshot,
            monitoring_interval=spec.monitoring_seconds,
            monitoring_role_arn=common.monitoring_role if spec.monitoring_seconds else None,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=self._key_arn,
            performance_insights_retention_period=INSIGHTS_DAYS[spec.insights],
            database_insights_mode=spec.insights,
            enabled_cloudwatch_logs_exports=["postgresql", "upgrade"],
            opts=self.durable(
                depends_on=common.before,
                custom_timeouts=pulumi.CustomTimeouts(create="2h", update="2h", delete="1h"),
            ),
        )

    def _final_snapshot(self, logical: str, identifier: str) -> pulumi.Output[str]:
        """Return a name that a snapshot of an earlier life of this stack does not have."""
        # Another source of data makes another instance, whose last snapshot is another one.
        source = self._spec.source.model_dump_json()
        suffix = random.RandomId(
            f"{logical}-final", byte_length=4, keepers={"source": source}, opts=self.child()
        )
        return pulumi.Output.concat(identifier, "-final-", suffix.hex)


def _restore(source: PointInTime) -> aws.rds.InstanceRestoreToPointInTimeArgs:
    return aws.rds.InstanceRestoreToPointInTimeArgs(
        source_db_instance_identifier=source.source_instance_id,
        source_db_instance_automated_backups_arn=source.source_backups_arn,
        restore_time=source.at.isoformat().replace("+00:00", "Z") if source.at else None,
        use_latest_restorable_time=None if source.at else True,
    )
