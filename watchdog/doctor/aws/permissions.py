"""What the doctor asks AWS for, and so what it must be allowed."""

from __future__ import annotations

import json

ACTIONS = (
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:GetManagedPrefixListEntries",
)

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}],
    }
)
"""The least that is enough. AWS takes no narrower resource for the Describe actions."""
