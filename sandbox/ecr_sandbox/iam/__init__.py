"""IAM: the policy language and its evaluation, principals, authorization. Users and roles are moto's."""
