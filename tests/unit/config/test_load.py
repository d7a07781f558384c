# ruff: noqa: E501 - messages are quoted whole
"""Both files together: positions, hints, precedence, and what the keys mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from hfver.config.load import list_settings, load_revision, load_workspace
from hfver.config.problems import InvalidConfigError, MissingConfigError
from hfver.config.settings import Config, ModelConfig, Setting
from hfver.errors import UsageError
from hfver.versions import Scheme

MINIMAL = "huggingface:\n  repository:\n    model_name: me/bert\n"
DETAILS = "configs/huggingface_config.yaml"


def load(main: str = MINIMAL, details: str | None = None, environ: Mapping[str, str] | None = None) -> Config:
    files = {"config.yaml": dedent(main).encode()}
    if details is not None:
        files[DETAILS] = dedent(details).encode()
    return load_revision(files.get, environ=environ or {}, label="workspace")


def listed(
    top: Path, environ: Mapping[str, str] | None = None, options: Mapping[str, Any] | None = None
) -> dict[str, Setting]:
    return {setting.key: setting for setting in list_settings(top, environ=environ or {}, options=options)}


def complaint(main: str = MINIMAL, details: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(InvalidConfigError) as caught:
        load(main, details, environ)
    return str(caught.value)


def test_the_model_name_is_all_that_is_needed() -> None:
    config = load()
    assert config.models == (ModelConfig("bert", None, "me/bert", "me/bert-configs"),)
    assert config.endpoint == "https://huggingface.co"
    assert (config.private, config.auto_create, config.auto_sync) == (True, True, True)
    assert config.auto_scheme is Scheme.TIMESTAMP


def test_all_errors_of_both_files_are_reported_at_once_with_their_place() -> None:
    main = """\
        training: {lr: 1}
        huggingface:
          enabled: maybe
          repositry: {}
          private: true
          repository:
            model_name: me/bert
            model_path: ../elsewhere
          upload_items: [model, confg]
        """
    details = """\
        model_card:
          language: no
          license: 3
          authors:
            - nmae: Ann
        settings:
          upload: {chunk_size: 10MB, max_retries: -1}
        hooks: fast
        """
    assert complaint(main, details) == dedent(
        """\
        config.yaml:3:12: huggingface.enabled: expected true or false, got "maybe"
            3 |   enabled: maybe
        config.yaml:4:3: huggingface.repositry: unknown key; did you mean "repository"?
            4 |   repositry: {}
        config.yaml:5:3: huggingface.private: unknown key; did you mean "huggingface.repository.private"?
            5 |   private: true
        config.yaml:8:17: huggingface.repository.model_path: "../elsewhere" must stay inside the git repository and use forward slashes
            8 |     model_path: ../elsewhere
        config.yaml:9:25: huggingface.upload_items[1]: expected "model", "config" or "results", got "confg"; did you mean "config"?
            9 |   upload_items: [model, confg]
        configs/huggingface_config.yaml:2:13: model_card.language: expected a list, got false; YAML reads yes, no, on and off that way: put the text in quotes
            2 |   language: no
        configs/huggingface_config.yaml:3:12: model_card.license: expected text, got 3; put it in quotes
            3 |   license: 3
        configs/huggingface_config.yaml:5:7: model_card.authors[0].name: is missing
            5 |     - nmae: Ann
        configs/huggingface_config.yaml:5:7: model_card.authors[0].nmae: unknown key; did you mean "name"?
            5 |     - nmae: Ann
        configs/huggingface_config.yaml:7:24: settings.upload.chunk_size: expected a whole number, got "10MB"
            7 |   upload: {chunk_size: 10MB, max_retries: -1}
        configs/huggingface_config.yaml:7:43: settings.upload.max_retries: should be greater than or equal to 0, got -1
            7 |   upload: {chunk_size: 10MB, max_retries: -1}
        configs/huggingface_config.yaml:8:8: hooks: expected a section with keys of its own, got "fast"
            8 | hooks: fast"""
    )  # fmt: skip


def test_syntax_errors_of_one_file_do_not_hide_errors_of_the_other() -> None:
    text = complaint("huggingface:\n  enabled: 1\n", "user: [\n")
    assert "config.yaml:2:12: huggingface.enabled" in text
    assert "configs/huggingface_config.yaml:2:1: is not YAML" in text


def test_a_missing_file_or_section_says_how_to_set_up(tmp_path: Path) -> None:
    with pytest.raises(MissingConfigError, match=r"config\.yaml does not exist") as caught:
        load_workspace(tmp_path, environ={})
    assert caught.value.hints == ["hfver init"]
    (tmp_path / "config.yaml").write_text("training: 1\n")
    with pytest.raises(MissingConfigError, match="has no huggingface: section"):
        load_workspace(tmp_path, environ={})


def test_a_named_details_file_must_exist_and_the_default_one_need_not() -> None:
    main = "huggingface:\n  config_file: conf/hf.yaml\n  repository: {model_name: me/bert}\n"
    assert complaint(main) == (
        "config.yaml:2:16: huggingface.config_file: conf/hf.yaml does not exist\n    2 |   config_file: conf/hf.yaml"
    )
    assert load(details=None).models


def test_a_revision_is_named_in_its_errors() -> None:
    with pytest.raises(InvalidConfigError, match=r"^v1\.0\.0:config\.yaml:2:12: huggingface\.enabled"):
        load_revision({"config.yaml": b"huggingface:\n  enabled: 1\n"}.get, environ={}, label="v1.0.0")
    with pytest.raises(MissingConfigError, match=r"^v1\.0\.0:config\.yaml does not exist"):
        load_revision(lambda _: None, environ={}, label="v1.0.0")


def test_options_win_over_the_environment_and_that_over_files(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("huggingface:\n  endpoint: embedded\n  repository: {model_name: me/bert}\n")

    def endpoint(environ: dict[str, str], options: dict[str, str] | None = None) -> tuple[str, str]:
        value = load_workspace(tmp_path, environ=environ, options=options).endpoint
        return value, listed(tmp_path, environ, options)["huggingface.endpoint"].origin

    both = {"HF_ENDPOINT": "https://hub.example/", "HFVER_ENDPOINT": "https://mine.example"}
    assert endpoint({}) == ("embedded", "config.yaml:2")
    assert endpoint({"HF_ENDPOINT": "https://hub.example/"}) == ("https://hub.example", "environment HF_ENDPOINT")
    assert endpoint(both) == ("https://mine.example", "environment HFVER_ENDPOINT")
    assert endpoint(both, {"huggingface.endpoint": "embedded"}) == ("embedded", "command line")


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("HFVER_ENABLED", "0", "huggingface.enabled", False),
        ("HFVER_AUTO_SYNC", "no", "huggingface.auto_sync", False),
        ("HFVER_HOOKS_PUBLISH", "background", "hooks.publish", "background"),
        ("HFVER_TAG_GUARD", "False", "hooks.tag_guard", False),
        ("HFVER_MAX_RETRIES", "9", "settings.upload.max_retries", 9),
        ("HFVER_RETRY_DELAY", "0.5", "settings.upload.retry_delay", 0.5),
        ("HFVER_CHUNK_SIZE", "65536", "settings.upload.chunk_size", 65536),
        ("HFVER_CACHE_DIR", "/data/hub", "settings.download.cache_dir", "/data/hub"),
        ("HFVER_WEBHOOK_URL", "https://chat.example/T0/x?y=1", "notifications.webhook_url", "https://chat.example/T0/x?y=1"),
    ],
)  # fmt: skip
def test_environment_variables_set_their_key(tmp_path: Path, variable: str, text: str, key: str, value: object) -> None:
    (tmp_path / "config.yaml").write_text(MINIMAL)
    setting = listed(tmp_path, {variable: text})[key]
    assert (setting.value, setting.origin) == (value, f"environment {variable}")


def test_a_wrong_environment_variable_is_named() -> None:
    text = complaint(environ={"HFVER_MAX_RETRIES": "many", "HF_ENDPOINT": "hub.example"})
    assert text == (
        'environment HF_ENDPOINT: huggingface.endpoint: expected "embedded" or a web address such as "https://huggingface.co"\n'
        'environment HFVER_MAX_RETRIES: settings.upload.max_retries: expected a whole number, got "many"'
    )


def test_another_main_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "custom.yaml").write_text(MINIMAL)
    assert load_workspace(tmp_path, environ={}, config_path=tmp_path / "custom.yaml").main_file == "custom.yaml"
    assert load_workspace(tmp_path, environ={"HFVER_CONFIG": str(tmp_path / "custom.yaml")}).models


def test_keys_without_a_value_mean_their_default() -> None:
    config = load(MINIMAL + "  auto_sync:\n", "backup:\nuser:\n  email:\n")
    assert (config.auto_sync, config.backup.keep_backups, config.user.email) == (True, 5, "")


def test_templates_and_namespaces_name_the_repositories() -> None:
    details = "user: {username: ann}\nrepository:\n  model_repo_template: '{username}/hub-{model_name}'\n"
    short = "huggingface:\n  repository: {model_name: bert}\n"
    assert load(short, details).models[0].repo == "ann/hub-bert"
    assert load(MINIMAL, details).models[0].repo == "me/hub-bert", "a namespace in the name wins"
    assert load(short, details).models[0].config_repo == "ann/bert-configs"


@pytest.mark.parametrize(
    ("main", "details", "message"),
    [
        ("huggingface:\n  repository: {model_name: bert}\n", None, '"bert" names no user: write "username/bert" or set user.username'),
        ("huggingface:\n  repository: {model_name: 'me/b ert'}\n", None, '"me/b ert" is not a Hub repository'),
        ("huggingface: {}\n", None, 'huggingface.repository.model_name: is missing: set the Hub repository'),
        (MINIMAL, "repository: {model_repo_template: '{username.__class__}/x'}\n", "unknown placeholder {username.__class__}"),
        (MINIMAL, "repository: {config_repo_template: '{username}/{model_name}'}\n", "which is the model's own repository"),
        (MINIMAL, "repository: {config_repo_template: '../{model_name}'}\n", '"../bert" is not a Hub repository'),
        (MINIMAL, "settings: {commit_message_template: 'x {0.__init__}'}\n", "unknown placeholder {0.__init__}"),
        (MINIMAL, "settings: {commit_message_template: 'x {'}\n", "write {{ and }} for braces"),
        (MINIMAL, "settings: {default_branch: dev}\n", 'must be "main", not "dev": a Hub serves main'),
        (MINIMAL, "experiment_tracking: {metadata_file: '../x.json'}\n", '"../x.json" is not a plain file name'),
        (MINIMAL, "mirror: {include: ['/etc/passwd']}\n", '"/etc/passwd" is not a pattern of paths inside'),
        (MINIMAL, "mirror: {include: ['../*']}\n", '"../*" is not a pattern of paths inside'),
        (MINIMAL, "model_card: {template: /etc/passwd}\n", '"/etc/passwd" must be relative to the top'),
        (MINIMAL, "notifications: {webhook_url: 'http://evil.example/x'}\n", "must use https"),
        (MINIMAL, "notifications: {webhook_url: 'https://u:p@chat.example/x'}\n", "set HFVER_WEBHOOK_TOKEN"),
        (MINIMAL, "notifications: {email_notifications: true}\n", "needs notifications.smtp.host"),
        (MINIMAL, "notifications: {smtp: {starttls: false, username: a, host: h, recipients: b}, email_notifications: true}\n",
         "a login needs encryption"),
        ("huggingface: {endpoint: 'https://u:hunter2@hub.example', repository: {model_name: me/b}}\n", None,
         "must not hold a user or password"),
        ("huggingface: {endpoint: 'file:///etc', repository: {model_name: me/b}}\n", None, 'expected "embedded" or a web address'),
        ("huggingface: {repository: {model_name: me/b, model_path: .git/hooks}}\n", None, "could take for .git"),
        ("huggingface: {repository: {model_name: me/b, model_path: ~/x}}\n", None, "must be relative"),
        ("huggingface: {repository: {model_name: me/b, model_path: .}}\n", None, "not its top"),
        (MINIMAL, "versioning: {formats: {semantic: 'v{major}.{minor}'}}\n", "must hold {major}, {minor} and {patch}"),
        (MINIMAL, "versioning: {formats: {semantic: 'm{major}.{minor}.{patch}'}}\n", 'does not start with versioning.tag_prefix "v"'),
        (MINIMAL, "versioning: {tag_prefix: '..'}\n", "cannot start a git tag"),
        (MINIMAL, "versioning: {auto_increment: rc}\n", 'expected "patch", "minor" or "major"'),
        (MINIMAL + "  versioning: {tag_format: 'build-{timestamp}'}\n", None,
         'use "v{timestamp}" or "v{version}" or "exp-{experiment_name}-{number:03d}"'),
        (MINIMAL + "  models: [{name: a, path: m, repo: me/a}]\n", None, "use either models or repository.model_name"),
    ],
)  # fmt: skip
def test_values_that_cannot_work_or_reach_too_far_are_refused(main: str, details: str | None, message: str) -> None:
    text = complaint(main, details)
    assert message in text
    assert "hunter2" not in text


def test_the_tag_format_decides_what_an_automatic_tag_is() -> None:
    def scheme(tag_format: str, details: str | None = None) -> Scheme:
        return load(MINIMAL + f"  versioning: {{tag_format: '{tag_format}'}}\n", details).auto_scheme

    assert scheme("v{timestamp}") is Scheme.TIMESTAMP
    assert scheme("v{version}") is Scheme.SEMANTIC
    assert scheme("exp-{experiment_name}-{number:03d}") is Scheme.EXPERIMENT
    assert scheme("rel-{version}", "versioning: {tag_prefix: rel-}\n") is Scheme.SEMANTIC


def test_semantic_versions_can_be_switched_off() -> None:
    details = "versioning: {semantic_versioning: false}\n"
    assert load(MINIMAL, details).formats.semantic is None
    assert "would not be read as versions" in complaint(MINIMAL + "  versioning: {tag_format: 'v{version}'}\n", details)


def test_several_models_have_their_own_repository_and_tags() -> None:
    config = load(
        """\
        huggingface:
          models:
            - {name: bert, path: ./models/bert}
            - {name: bert-large, path: models/large, repo: team/large, tag_prefix: bert-large-}
        """,
        "user: {username: ann}\n",
    )
    assert config.models == (
        ModelConfig("bert", "models/bert", "ann/bert", "ann/bert-configs", "bert-"),
        ModelConfig("bert-large", "models/large", "team/large", "team/large-configs", "bert-large-"),
    )
    found = config.version_of("bert-large-v1.0.0")
    assert found is not None
    assert found[0].name == "bert-large"
    assert config.version_of("v1.0.0") is None
    assert config.model("bert").path == "models/bert"
    with pytest.raises(UsageError, match="several models are configured; choose one of bert, bert-large"):
        config.model()


def test_models_may_not_share_a_name_path_repository_or_prefix() -> None:
    text = complaint(
        "huggingface:\n  models:\n    - {name: a, path: m, repo: me/a, tag_prefix: ''}\n    - {name: a, path: m, repo: me/a}\n"
    )
    assert 'config.yaml:3:7: huggingface.models[0]: name "a" belongs to 2 models' in text
    assert 'config.yaml:4:7: huggingface.models[1]: path "m" belongs to 2 models' in text
    assert 'repo "me/a" belongs to 2 models' in text


def test_switched_off_without_a_model_is_no_error() -> None:
    config = load("huggingface: {enabled: false}\n")
    assert not config.enabled
    with pytest.raises(UsageError, match="no model is configured"):
        config.model()


def test_specific_keys_win_over_general_ones() -> None:
    details = "settings: {default_private: false, auto_create_repos: false}\n"
    assert (load(MINIMAL, details).private, load(MINIMAL, details).auto_create) == (False, False)
    main = "huggingface:\n  repository: {model_name: me/bert, private: true, auto_create: true}\n"
    assert (load(main, details).private, load(main, details).auto_create) == (True, True)


def test_the_origin_of_every_effective_value_is_known(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(MINIMAL)
    (tmp_path / "configs").mkdir()
    (tmp_path / DETAILS).write_text("settings:\n  default_private: false\n")
    origins = {setting.key: (setting.value, setting.origin) for setting in listed(tmp_path).values()}
    assert origins["huggingface.repository.model_name"] == ("me/bert", "config.yaml:3")
    assert origins["huggingface.repository.private"] == (False, "settings.default_private")
    assert origins["settings.default_private"] == (False, f"{DETAILS}:2")
    assert origins["settings.upload.max_retries"] == (3, "default")
    assert origins["versioning.formats.semantic"] == ("v{major}.{minor}.{patch}", "versioning.tag_prefix")
