"""The loop of an agent in a real Chromium with real workers: deployed, talked to, corrected, retrained on the
corrections, evaluated against its parent, judged, deployed, rolled back, and deployed against a verdict. The card on
the agent's page follows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.data.samples import load_sample
from core.errors import Conflict
from core.ids import new_id
from core.messages import Example
from core.platform.db.tables import ModelVerdict
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets
from core.services.serving import agents, conversations, evaluating, feedback, loop
from core.services.serving.conversations import AnswerChoice, TurnRecord
from core.services.serving.evaluating import VerdictRecord
from core.services.training import jobs, models
from core.serving.evaluations import store as verdict_store
from tests.e2e.harness import Studio, beyond_edge, settle, visit
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser

NAME = "Ticket desk"
CONVERSATIONS, IN_CHAT, CORRECTED = 12, 2, 5
ANSWER_S, TRAIN_S, WORK_MS = 120, 300, 600_000
AGAINST = "The new customers write in this form only."
REASON = "The pilot customers agreed to a trial of one week."
STEPS = ("corrections", "dataset", "mix", "retrain", "evaluate", "verdict", "deploy")
TICKETS = load_sample("tickets")


@dataclass(frozen=True)
class Talk:
    """A conversation with the agent, and what the answer should have been."""

    id: str
    answer: TurnRecord
    expected: str

    @property
    def is_wrong(self) -> bool:
        return self.answer.content.strip() != self.expected


@pytest.fixture(scope="module")
def parent(studio: Studio, starter: Path) -> Iterator[models.ModelRecord]:
    """A model that a worker of the running studio trained on a few tickets; the services use the same data."""
    home = studio.data_dir / "models" / starter.name
    if not home.exists():
        shutil.copytree(starter, home)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in studio.env.items():
            patch.setenv(name, value)
        dataset = datasets.create_dataset(NAME, TICKETS.train[:32], TICKETS.validation[:4], test=TICKETS.test[:8])
        job = jobs.create(
            dataset_id=dataset.id,
            base_model="starter",
            name=NAME,
            method="lora",
            draft_key=None,
            training={"num_epochs": 1},
        )
        wait_until(lambda: jobs.get_job(job.id).is_terminal, TRAIN_S, "the training of the first model")
        (trained,) = [one for one in models.list_models() if one.job_id == job.id]
        yield trained


def press(page, key: str) -> None:
    """Press the button with this key and wait for the page."""
    page.locator(f".st-key-{key} button:enabled").first.click()
    settle(page)


def choose(page, key: str, title: str) -> None:
    """Choose an entry of a list."""
    page.locator(f".st-key-{key} input").click()
    page.get_by_role("option").filter(has_text=title).first.click()
    settle(page)


def at_agent(page, studio: Studio, agent_id: str, *done: str) -> None:
    """The agent's page, on which these steps of the loop are ticked, and no others."""
    visit(page, f"{studio.url}/agents?id={agent_id}")
    for step in STEPS:
        state = "done" if step in done else "open"
        page.locator(f".st-key-loop_{step}_{state}").wait_for()
    assert beyond_edge(page) == []


def talk_in_chat(page, studio: Studio, agent_id: str, ticket: Example) -> Talk:
    """A conversation that begins with the button on the agent's page."""
    visit(page, f"{studio.url}/agents?id={agent_id}")
    press(page, "talk")
    box = page.get_by_test_id("stChatInput").locator("textarea")
    box.fill(ticket.messages[0].content)
    box.press("Enter")
    page.get_by_test_id("stChatMessage").last.get_by_text(" tokens").wait_for()
    page.wait_for_url("**/chat?conversation=**")
    settle(page)
    return finished(page.url.partition("conversation=")[2].partition("&")[0], ticket)


def talk_by_service(agent_id: str, ticket: Example) -> Talk:
    """A conversation without a browser, which would take seconds for each."""
    talk = conversations.new_conversation_id()
    conversations.send(talk, ticket.messages[0].content, AnswerChoice("", agent_id=agent_id))
    return finished(talk, ticket)


def finished(talk: str, ticket: Example) -> Talk:
    """The conversation once its answer is complete."""
    wait_until(lambda: not conversations.get_conversation(talk).last.is_running, ANSWER_S, "an answer of the agent")
    answer = conversations.get_conversation(talk).last
    assert answer.is_answer
    assert not answer.error
    return Talk(talk, answer, ticket.messages[1].content)


def correct(page, studio: Studio, talk: Talk) -> None:
    """Write the right answer in the dialog below the answer."""
    visit(page, f"{studio.url}/chat?conversation={talk.id}")
    press(page, f"correct_{talk.answer.id}")
    field = page.locator(f".st-key-correction_{talk.answer.id} textarea")
    field.fill(talk.expected)
    field.press("Control+Enter")
    settle(page)
    press(page, "save_correction")
    page.get_by_role("dialog").wait_for(state="detached")


def plant_refusal(before: VerdictRecord) -> None:
    """A newer verdict *Don't ship* on the same model, as an evaluation on which it did worse would store it."""
    reason = {"about": "task", "ok": False, "text": "Exact match got worse: 80.0% → 20.0%", "before": 0.8, "after": 0.2}
    row = ModelVerdict(
        id=new_id("verdict"), candidate_id=before.candidate_id, parent_id=before.parent_id,
        evaluation_id=before.evaluation_id, decision="dont_ship", reasons=[reason],
    )  # fmt: skip
    with UnitOfWork() as uow:
        verdict_store.add_verdict(uow, row)
        uow.commit()


def test_corrections_become_the_next_model_of_an_agent(
    studio: Studio, parent: models.ModelRecord, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in studio.env.items():
        monkeypatch.setenv(name, value)
    page = open_page()

    # The agent, with the model that was trained on a few tickets.
    visit(page, f"{studio.url}/agents")
    page.locator(":is(.st-key-new_agent, .st-key-empty_btn_no_agents) button:enabled").first.click()
    page.locator(".st-key-name_new").wait_for()
    settle(page)
    page.locator(".st-key-name_new input").fill(NAME)
    choose(page, "model_new", parent.name)
    press(page, "save_agent")
    page.wait_for_url("**/agents?id=*")
    (agent,) = [one for one in agents.list_agents() if one.name == NAME]
    assert agent.version.model_id == parent.id
    at_agent(page, studio, agent.id)

    # Twelve conversations, five corrected answers.
    tickets = TICKETS.train[32 : 32 + CONVERSATIONS]
    talks = [talk_in_chat(page, studio, agent.id, ticket) for ticket in tickets[:IN_CHAT]]
    talks += [talk_by_service(agent.id, ticket) for ticket in tickets[IN_CHAT:]]
    assert agents.figures([agent.id])[agent.id].conversations == CONVERSATIONS
    wrong = [talk for talk in talks if talk.is_wrong][:CORRECTED]
    assert len(wrong) == CORRECTED
    for talk in wrong:
        correct(page, studio, talk)
    at_agent(page, studio, agent.id)  # nothing is accepted yet
    assert feedback.counts(agent.id, parent.id)["new"] == CORRECTED

    # The review, by the keyboard alone.
    press(page, "loop_go_corrections")
    for left in range(CORRECTED, 0, -1):
        page.locator(".st-key-review_steps").get_by_text(f"of {left}", exact=False).wait_for()
        settle(page)
        page.keyboard.press("a")
    page.locator(".st-key-review_empty").wait_for()
    assert feedback.counts(agent.id, parent.id)["accepted"] == CORRECTED
    at_agent(page, studio, agent.id, "corrections")

    # The dataset of feedback, mixed with what the parent was trained on.
    press(page, "loop_go_dataset")
    press(page, "make_dataset_now")
    page.locator(".st-key-loop_dataset_done").wait_for()
    at_agent(page, studio, agent.id, *STEPS[:2])
    press(page, "loop_go_mix")
    press(page, "loop_mix_now")
    page.wait_for_url("**/datasets?id=*")
    at_agent(page, studio, agent.id, *STEPS[:3])
    now = loop.of_agent(agent)
    mixed = datasets.get_dataset(now.mixed)
    assert mixed.version.train_examples == 32 + 2 * CORRECTED

    # Retrained with the parent's settings.
    press(page, "loop_go_retrain")
    press(page, "to_review")
    page.locator(".st-key-launch button").wait_for()
    press(page, "launch")
    page.wait_for_url("**/job?id=*")
    page.get_by_test_id("stMain").get_by_text("Succeeded").first.wait_for(timeout=WORK_MS)
    at_agent(page, studio, agent.id, *STEPS[:4])
    candidate = models.get_model(loop.of_agent(agent).candidate)
    job = jobs.get_job(candidate.job_id)
    assert (job.parent_job_id, job.dataset_id) == (parent.job_id, mixed.id)
    assert job.spec.training.num_epochs == 1

    # Evaluated against its parent, with a verdict.
    press(page, "loop_go_evaluate")
    press(page, "start_evaluation")
    page.locator(f".st-key-verdict_{candidate.id}").wait_for(timeout=WORK_MS)
    at_agent(page, studio, agent.id, *STEPS[:6])
    verdict = evaluating.verdicts.between(candidate.id, parent.id)
    assert verdict

    # Deployed; a verdict against it is overridden with the reason, which is recorded.
    press(page, "loop_go_deploy")
    field = page.locator(".st-key-deploy_reason textarea")
    field.fill(REASON)
    field.press("Control+Enter")
    settle(page)
    press(page, "deploy_now")
    page.get_by_role("dialog").wait_for(state="detached")
    at_agent(page, studio, agent.id, *STEPS)
    page.locator(".st-key-generations").wait_for()
    deployed = agents.get_agent(agent.id)
    assert (deployed.version.number, deployed.version.model_id) == (2, candidate.id)
    assert REASON in deployed.version.note
    judged = evaluating.verdicts.between(candidate.id, parent.id)
    assert judged
    assert judged.override.get("reason", "") == (REASON if verdict.blocks else "")

    # And back with one click.
    press(page, "roll_back_1")
    page.locator(".st-key-agent_version_3").wait_for()
    assert agents.get_agent(agent.id).version.model_id == parent.id
    at_agent(page, studio, agent.id, *STEPS[:6])

    # Against the verdict *Don't ship* the dialog asks for a reason, which is recorded and shown with the deployments.
    plant_refusal(judged)
    with pytest.raises(Conflict, match="Exact match got worse"):
        agents.deploy(candidate.id, [agent.id])
    visit(page, f"{studio.url}/models?id={candidate.id}")
    press(page, "deploy_to_agents")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Exact match got worse").wait_for()
    if not dialog.get_by_text(NAME, exact=True).count():
        choose(page, "deploy_agents", NAME)
    assert dialog.locator(".st-key-deploy_now button").is_disabled()
    field = page.locator(".st-key-deploy_reason textarea")
    field.fill(AGAINST)
    field.press("Control+Enter")
    settle(page)
    press(page, "deploy_now")
    dialog.wait_for(state="detached")
    page.locator(".st-key-model_override").get_by_text(AGAINST).wait_for()
    visit(page, f"{studio.url}/agents?id={agent.id}")
    page.locator(".st-key-agent_version_4").get_by_text(AGAINST).wait_for()
    override = evaluating.verdicts.newest(candidate.id).override  # type: ignore[union-attr]
    assert (override["reason"], agents.get_agent(agent.id).version.model_id) == (AGAINST, candidate.id)
