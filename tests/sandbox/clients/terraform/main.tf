# Every resource and data source for ECR and ECR Public of the AWS provider 5.100.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_metadata_api_check = true
}

locals {
  account = "123456789012"
}

# Repositories

resource "aws_ecr_repository" "plain" {
  name = "terraform/plain"
}

resource "aws_ecr_repository" "full" {
  name                 = "terraform/full"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = true
  tags                 = { team = "blue", cost = "center" }
  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_repository" "kms" {
  name = "terraform/kms"
  encryption_configuration {
    encryption_type = "KMS"
  }
}

resource "aws_iam_role" "puller" {
  name = "terraform-puller"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "pullthroughcache.ecr.amazonaws.com" } }
    ]
  })
}

resource "aws_ecr_repository_policy" "full" {
  repository = aws_ecr_repository.full.name
  policy = jsonencode({
    Version = "2008-10-17"
    Statement = [
      {
        Sid       = "pull"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.puller.arn }
        Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      },
      {
        Sid       = "pull"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["ecr:BatchGetImage"]
        Condition = { StringEquals = { "aws:PrincipalOrgID" = "o-1234567890" } }
      }
    ]
  })
}

resource "aws_ecr_lifecycle_policy" "full" {
  repository = aws_ecr_repository.full.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "untagged images"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        selection = {
          tagStatus     = "tagged"
          tagPrefixList = ["v", "release"]
          countType     = "imageCountMoreThan"
          countNumber   = 30
        }
        action = { type = "expire" }
      }
    ]
  })
}

# The registry

resource "aws_ecr_account_setting" "scan" {
  name  = "BASIC_SCAN_TYPE_VERSION"
  value = "AWS_NATIVE"
}

resource "aws_ecr_account_setting" "scope" {
  name  = "REGISTRY_POLICY_SCOPE"
  value = "V2"
}

resource "aws_ecr_registry_policy" "this" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "replicate"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::210987654321:root" }
        Action    = ["ecr:ReplicateImage", "ecr:CreateRepository"]
        Resource  = ["arn:aws:ecr:us-east-1:${local.account}:repository/*"]
      }
    ]
  })
}

resource "aws_ecr_registry_scanning_configuration" "this" {
  scan_type = "ENHANCED"
  dynamic "rule" {
    for_each = var.scan_rules
    content {
      scan_frequency = rule.key
      repository_filter {
        filter      = rule.value
        filter_type = "WILDCARD"
      }
    }
  }
}

variable "scan_rules" {
  type    = map(string)
  default = { SCAN_ON_PUSH = "*", CONTINUOUS_SCAN = "example" }
}

resource "aws_ecr_replication_configuration" "this" {
  replication_configuration {
    rule {
      destination {
        region      = "eu-west-1"
        registry_id = local.account
      }
      destination {
        region      = "us-west-2"
        registry_id = local.account
      }
      repository_filter {
        filter      = "prod"
        filter_type = "PREFIX_MATCH"
      }
    }
    rule {
      destination {
        region      = "us-east-2"
        registry_id = local.account
      }
    }
  }
}

# Pull through cache, and templates

resource "aws_ecr_pull_through_cache_rule" "public" {
  ecr_repository_prefix = "ecr-public"
  upstream_registry_url = "public.ecr.aws"
}

resource "aws_ecr_pull_through_cache_rule" "private" {
  ecr_repository_prefix      = "private"
  upstream_registry_url      = "${local.account}.dkr.ecr.eu-west-1.amazonaws.com"
  upstream_repository_prefix = "base"
  custom_role_arn            = aws_iam_role.puller.arn
}

resource "aws_secretsmanager_secret" "hub" {
  name                    = "ecr-pullthroughcache/terraform"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "hub" {
  secret_id     = aws_secretsmanager_secret.hub.id
  secret_string = jsonencode({ username = "user", accessToken = "token" })
}

resource "aws_ecr_pull_through_cache_rule" "hub" {
  ecr_repository_prefix = "docker-hub"
  upstream_registry_url = "registry-1.docker.io"
  credential_arn        = aws_secretsmanager_secret.hub.arn
  depends_on            = [aws_secretsmanager_secret_version.hub]
}

resource "aws_ecr_repository_creation_template" "full" {
  prefix               = "terraform"
  applied_for          = ["PULL_THROUGH_CACHE", "REPLICATION"]
  description          = "a template"
  image_tag_mutability = "IMMUTABLE"
  custom_role_arn      = aws_iam_role.puller.arn
  resource_tags        = { team = "blue", cost = "center" }
  repository_policy    = aws_ecr_repository_policy.full.policy
  lifecycle_policy     = aws_ecr_lifecycle_policy.full.policy
  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_repository_creation_template" "plain" {
  prefix      = "ROOT"
  applied_for = ["PULL_THROUGH_CACHE"]
}

# ECR Public

resource "aws_ecrpublic_repository" "plain" {
  repository_name = "terraform-plain"
}

resource "aws_ecrpublic_repository" "full" {
  repository_name = "terraform-full"
  tags            = { team = "blue" }
  catalog_data {
    about_text        = "about"
    architectures     = ["ARM", "x86-64"]
    description       = "an example"
    operating_systems = ["Linux"]
    usage_text        = "docker pull"
  }
}

resource "aws_ecrpublic_repository_policy" "full" {
  repository_name = aws_ecrpublic_repository.full.repository_name
  policy = jsonencode({
    Version = "2008-10-17"
    Statement = [
      { Sid = "look", Effect = "Allow", Principal = "*", Action = ["ecr-public:DescribeImages"] }
    ]
  })
}

# Data sources. The image is pushed before.

data "aws_ecr_repository" "full" {
  name = aws_ecr_repository.full.name
}

data "aws_ecr_repositories" "all" {
  depends_on = [aws_ecr_repository.full]
}

data "aws_ecr_lifecycle_policy_document" "written" {
  rule {
    priority = 1
    selection {
      tag_status   = "any"
      count_type   = "imageCountMoreThan"
      count_number = 5
    }
  }
}

resource "aws_ecr_lifecycle_policy" "written" {
  repository = aws_ecr_repository.plain.name
  policy     = data.aws_ecr_lifecycle_policy_document.written.json
}

data "aws_ecr_image" "pushed" {
  repository_name = "pushed-before"
  most_recent     = true
}

data "aws_ecr_authorization_token" "this" {}

data "aws_ecrpublic_authorization_token" "this" {}

data "aws_ecr_pull_through_cache_rule" "public" {
  ecr_repository_prefix = aws_ecr_pull_through_cache_rule.public.ecr_repository_prefix
}

data "aws_ecr_repository_creation_template" "full" {
  prefix = aws_ecr_repository_creation_template.full.prefix
}

output "image" {
  value = data.aws_ecr_image.pushed.image_uri
}
