"""The statistics and the driver behind scripts/figures, with engines that measure nothing."""
import contextlib
import io
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from figures_lib import common, cpu, event_paper, field, gpu, pages, rounds  # noqa: E402
from figures_lib.engines import Contestant, Engine, EngineError  # noqa: E402
from figures_lib.rounds import Block  # noqa: E402


class Statistics(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_rounds_ratios(self):
        ours = [Block(1.0), Block(2.0), Block(4.0)]
        peer = [Block(3.0), Block(4.0), Block(4.0)]
        self.assertEqual(rounds.ratio(peer, ours), rounds.Measured(2.0))  # of 3, 2, 1; the medians' ratio is 2 as well
        peer[2] = Block(40.0)
        self.assertEqual(rounds.ratio(peer, ours), rounds.Measured(3.0))  # of 3, 2, 10; the medians' ratio is 2

    def test_noisy_rounds_do_not_count(self):
        ours = [Block(1.0), Block(1.0), Block(1.0)]
        peer = [Block(2.0), Block(9.0, noisy=True), Block(2.0)]
        self.assertEqual(rounds.ratio(peer, ours), rounds.Measured(2.0))
        self.assertEqual(rounds.time_of(peer), rounds.Measured(2.0))

    def test_mostly_noisy_rounds_count_and_are_marked(self):
        blocks = [Block(2.0, noisy=True), Block(9.0, noisy=True), Block(3.0)]
        self.assertEqual(rounds.time_of(blocks), rounds.Measured(3.0, noisy=True))
        quiet = [Block(1.0)] * 3
        self.assertTrue(rounds.ratio(quiet, blocks).noisy)

    def test_fastest(self):
        self.assertEqual(rounds.fastest({"a": [Block(2.0)], "b": [Block(1.0)]}), "b")
        self.assertIsNone(rounds.fastest({}))

    def test_quantile(self):
        values = list(range(1, 1001))
        self.assertEqual(rounds.quantile(values, 0.5), 500)
        self.assertEqual(rounds.quantile(values, 0.999), 999)
        self.assertEqual(rounds.quantile([7], 0.999), 7)

    def test_a_call_counts_by_the_median_of_its_input(self):
        times = [1.0, 10.0, 1.0, 10.0, 3.0, 20.0]
        self.assertEqual(rounds.input_medians(times, 2), [1.0, 10.0])
        self.assertEqual(rounds.by_own_median(times, 2), [1.0, 1.0, 1.0, 1.0, 3.0, 2.0])
        self.assertEqual(rounds.by_own_median([2.0, 4.0], 4), [1.0, 1.0])

    def test_deviation(self):
        self.assertAlmostEqual(rounds.deviation([1.0, -4.1], [1.0, -4.0]), 0.025)
        self.assertEqual(rounds.deviation([1.0], [1.0, 2.0]), math.inf)
        self.assertEqual(rounds.deviation([math.nan, 2.0], [1.0, 2.0]), math.inf)
        self.assertEqual(rounds.deviation([], []), math.inf)


class Recorder:
    """A contestant that writes down when it was asked."""
    pid, inputs = 0, 4

    def __init__(self, name, log, seconds=0.01):
        self.name, self.log, self.seconds = name, log, seconds

    def time(self, calls, _):
        self.log.append((self.name, calls))
        return [self.seconds] * calls


class Watch:
    """Declares the first blocks noisy."""

    def __init__(self, noisy):
        self.noisy = noisy

    def during(self, _, work):
        self.noisy -= 1
        return work(), self.noisy >= 0


class Alternation(unittest.TestCase):
    def test_every_round_has_everybody_and_turns_round(self):
        log = []
        a, b = Recorder("a", log), Recorder("b", log)
        blocks = rounds.alternate([a, b], 3, 0.1, rounds.NoWatch())
        self.assertEqual([name for name, _ in log], ["a", "b"] + ["a", "b", "b", "a", "a", "b"])
        self.assertEqual([len(blocks[a]), len(blocks[b])], [3, 3])

    def test_blocks_are_whole_rounds_over_the_inputs(self):
        log = []
        rounds.alternate([Recorder("a", log, 0.01)], 1, 0.1, rounds.NoWatch())
        self.assertEqual(log[-1], ("a", 12))  # 10 calls, rounded up to a multiple of 4

    def test_noisy_blocks_are_measured_again_but_not_for_ever(self):
        log = []
        a = Recorder("a", log)
        self.assertEqual(rounds.alternate([a], 1, 0.1, Watch(2))[a], [Block(0.01)])
        self.assertEqual(len(log), 1 + 3)
        self.assertEqual(rounds.alternate([a], 1, 0.1, Watch(99))[a], [Block(0.01, noisy=True)])

    def test_other_work_is_what_the_contestant_did_not_do(self):
        with tempfile.TemporaryDirectory() as folder:
            proc = pathlib.Path(folder)
            (proc / "7").mkdir()

            def state(busy, own):
                (proc / "stat").write_text(f"cpu  {busy} 0 0 1000 0 0 0 0 0 0\n")
                (proc / "7/stat").write_text(f"7 (a name) with) S {' 0' * 10} {own} 0 0 0\n")

            watch = rounds.OtherWork(proc)
            state(100, 50)
            self.assertFalse(watch.during(7, lambda: state(110, 60))[1])
            state(100, 50)
            self.assertTrue(watch.during(7, lambda: state(110, 55))[1])


class Driver(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.field = field.Field()
        self.addCleanup(self.field.close)
        quiet = mock.patch.object(cpu, "say")
        quiet.start()
        self.addCleanup(quiet.stop)

    def add(self, name, seconds, *outputs):
        command = [sys.executable, HERE / "fake_engine.py", seconds, *outputs]
        self.field.engines[name] = Engine(name, command, self.folder / "log")
        self.field.versions[name] = "1.0"

    def study(self):
        return cpu.Study(self.field, cpu.Effort(rounds=2, seconds=0.01, contended_seconds=0.01, latency_calls=10,
                                                occupancy_seconds=0.01))

    def run_setting(self, study, peers):
        with mock.patch.object(rounds, "OtherWork", rounds.NoWatch):
            return study.contest("batch 1: EB", cpu.Task("infer", "EB"), [{"variant": "winograd"}], peers)

    def test_the_best_peer_at_its_best_setting(self):
        self.add("calotype", 0.001, 1, 2)
        self.add("A", 0.003, 1, 2)
        self.add("B", 0.002, 1, 2)
        study = self.study()
        setting = self.run_setting(study, {"A": ["default"], "B": ["one", "two"]})
        self.assertEqual(set(setting.blocks), {"calotype winograd", "A", "B one", "B two"})
        study.add_ratio("speed", setting, "calotype winograd", 1.5, "images")
        self.assertEqual(study.figures[0]["value"], 2.0)
        self.assertIn("1 ms against 2 ms of the best peer, B one", study.figures[0]["conditions"])

    def test_a_wrong_peer_is_an_error(self):
        self.add("calotype", 0.001, 1, 2)
        self.add("A", 0.003, 1, 2.001)
        with self.assertRaisesRegex(cpu.WrongPeer, "A deviates from exec::direct by 5.0e-04"):
            self.run_setting(self.study(), {"A": ["default"]})

    def test_missing_peers_are_named_and_leave_a_null(self):
        self.add("calotype", 0.001, 1, 2)
        self.field.missing["A"] = "no wheel"
        study = self.study()
        setting = self.run_setting(study, {"A": ["default"]})
        study.add_ratio("speed", setting, "calotype winograd", 1.5, "images")
        self.assertIsNone(study.figures[0]["value"])
        self.assertIn("missing peers: A (no wheel)", study.figures[0]["conditions"])
        self.assertEqual(common.verdict(study.figures[0]), "not measured")

    def test_a_variant_that_fails_does_not_stop_the_others(self):
        self.add("calotype", 0.001, 1, 2)
        self.add("A", 0.003, 1, 2)
        setting = self.run_setting(self.study(), {"A": ["unheard-of", "good"]})
        self.assertEqual(set(setting.blocks), {"calotype winograd", "A good"})

    def test_an_engine_that_dies_is_told(self):
        self.add("A", 0.003, 1, 2)
        with self.assertRaisesRegex(EngineError, "A has died"):
            Contestant(self.field.engines["A"], "infer", variant="mortal")

    def test_a_part_that_breaks_off_leaves_a_row(self):
        study = self.study()

        def two_things():
            study.add("one", 1, None, "higher", "", "")
            raise EngineError("A has died")

        study.attempt(two_things)
        self.assertEqual([(f["figure"], f["value"], f["conditions"]) for f in study.figures],
                         [("one", 1, ""), ("the rest of: two things", None, "broke off: A has died")])

    def test_the_contention_row_compares_slow_downs(self):
        self.add("calotype", 0.001, 1, 2)
        self.add("A", 0.003, 1, 2)
        study = self.study()
        task = cpu.Task("infer", "EB", threads=2)
        with mock.patch.object(rounds, "OtherWork", rounds.NoWatch), \
             mock.patch.object(cpu, "busy_loops", contextlib.nullcontext):
            with study.contestants(task, [{"variant": "winograd"}], {"A": ["default"]}) as made:
                study.contention(made, "A")
        self.assertEqual([f["value"] for f in study.figures], [1.0, 1.0])

    def test_latency_counts_every_call_of_the_best_peer(self):
        self.add("calotype", 0.001, 1, 2)
        self.add("A", 0.003, 1, 2)
        study = self.study()
        study.latency()
        self.assertEqual([f["value"] for f in study.figures], [None, None])
        with mock.patch.object(rounds, "OtherWork", rounds.NoWatch):
            study.contest("batch 1, 1 thread, recorded events: EB", cpu.Task("infer", "EB", "recorded"),
                          [{"variant": "winograd", "task": "events"}], {"A": ["default"]})
        study.latency()
        self.assertEqual([f["value"] for f in study.figures[2:]], [1.0, 1.0])
        self.assertIn("the same event: calotype p50 1, p99 1, p99.9 1, max 1; A p50 1", study.figures[2]["conditions"])
        self.assertIn("between 1 and 1, by how full they are: calotype p50 1, p99 1, p99.9 1, max 1; A p50 3",
                      study.figures[3]["conditions"])

    def test_the_first_layer_is_compared_with_its_dense_kernel_at_its_slowest(self):
        def median(ms, **more):
            return {"cpu_time": 1e6 * ms, "time_unit": "ns", **more}

        medians = {"conv0/eb/100": median(0.5), "conv0/eb/1000000": median(1.01), "conv0 dense/eb/1000000": median(1.0),
                   "winograd/eb/100": median(2.0), "recorded, winograd/eb": median(400, items_per_second=250)}
        study = self.study()
        with mock.patch.multiple(common, build=mock.DEFAULT, find_program=mock.DEFAULT, google_benchmark=lambda *_, **__: medians):
            study.occupancy()
        self.assertEqual(study.occupancies["winograd/eb"], {"0.01 %": 2.0, "recorded events": 4.0})
        self.assertEqual([(f["figure"], f["value"]) for f in study.figures],
                         [("conv0 at any occupancy against its dense kernel alone: eb", 1.01)])
        lines = pages.occupancy_table(study.occupancies)
        self.assertEqual(lines[3:], ["| filled | conv0/eb | conv0 dense/eb | winograd/eb |", "|---|---|---|---|",
                                     "| 0.01 % | 0.5 | - | 2 |", "| 100 % | 1.01 | 1 | - |", "| recorded events | - | - | 4 |"])

    def test_a_program_that_does_not_exist_leaves_nulls(self):
        study = self.study()
        with mock.patch.object(cpu, "cold_start_figures", dict):
            study.cold_start()
        self.assertEqual([f["value"] for f in study.figures], [None] * 3)
        with mock.patch.object(cpu, "cold_start_figures", lambda: {"peak_rss_mb": 7.123}):
            study.cold_start()
        self.assertEqual([f["value"] for f in study.figures[3:]], [None, None, 7.12])

    def test_contestants_are_dropped(self):
        self.add("calotype", 0.001, 1, 2)
        setting = self.run_setting(self.study(), {})
        with self.assertRaisesRegex(EngineError, "nothing is set up"):
            setting.contestants["calotype winograd"].time(1, 1)


class EventPaper(unittest.TestCase):
    @staticmethod
    def report(budget):
        """Of a study with a CvM of 0.001 and AUCs of 0.7 +- 0.01, all differences 0.02 with an interval from 0.005."""
        names = ("H->gg vs rest", "gg vs rest", "gamma+jet vs rest", "H->gg vs gg", "H->gg vs gamma+jet")
        area = {"auc": 0.7, "auc_error": 0.01, "auc_without_prompt_pairs": 0.71, "auc_matched": 0.6, "auc_matched_error": 0.02}
        trainings = [{"id": name, "title": name.upper(), "category": "central",
                      "separations": [{"name": n, **area, "published_auc": 0.9} for n in names],
                      "cvm_gg": {"value": 0.001, "floor": 0.0008, "floor_error": 0.0001, "events": 100, "published": 0.002},
                      "cvm_gamma_jet": {"value": 0.003}}
                     for name in ("four-momentum", "reference", "overlay", "rest-of-event", *event_paper.CVM)]
        trainings += [{"id": name, "title": name, "category": "showers", "separations": [{"name": "electron vs photon", "auc": auc,
                       "auc_error": 0.03}]} for name, auc in ((event_paper.SINGLE, 0.7), (event_paper.PAIRS, 0.8))]
        comparisons = [{"first": "cms-b", "second": "eb", "auc_of": "H->gg vs gg", "claim": claim, "difference": 0.02,
                        "lower": 0.005, "upper": 0.035} for claim in ("above", "not below", "open")]
        return {"study": "event-paper", "budget": budget, "seed": 1, "epochs": 4, "batch": 32, "minutes": 30.0, "threads": 2,
                "events": {"central": 3000}, "validation_events": 1000, "test_events": 2000, "trainings": trainings,
                "comparisons": comparisons}

    def test_a_budget_with_goals_and_one_without(self):
        figures = {f["figure"]: f for f in event_paper.Statements(self.report("standard")).all()}
        self.assertEqual(figures["4-mom, AUC H->gg vs rest: distance from the paper's 0.71"]["value"], 0.01)
        self.assertEqual(common.verdict(figures["4-mom, AUC H->gg vs rest: distance from the paper's 0.71"]), "reached")
        self.assertEqual(common.verdict(figures["4-mom, AUC gg vs rest: distance from the paper's 0.81"]), "MISSED")
        self.assertEqual(common.verdict(figures["EB, AUC H->gg vs gamma+jet"]), "MISSED")
        self.assertEqual(common.verdict(figures["EB, central: CvM of true gg"]), "reached")
        bounds = [f for name, f in figures.items() if name.startswith("CMS-B") and name.endswith("lower bound")]
        self.assertEqual([(f["value"], f["goal"]) for f in bounds], [(0.005, 0), (0.005, -0.01), (0.005, None)])
        self.assertAlmostEqual(figures["shower-pairs, AUC of electron vs photon: distance from 0.885"]["value"], 0.085)
        pairs = figures["shower-pairs above shower-resnet, AUC of electron vs photon: lower bound"]
        self.assertAlmostEqual(pairs["value"], 0.1 - 1.96 * 0.03 * math.sqrt(2), places=5)
        self.assertIsNone(figures["the whole study"]["goal"])
        self.assertEqual(figures["OVERLAY, AUC H->gg vs rest: distance from 0.50"]["value"], 20)
        blind = self.report("standard")
        for s in next(t for t in blind["trainings"] if t["id"] == "overlay")["separations"]:
            s.update(auc=0.5, auc_error=0.0)
        blind = {f["figure"]: f["value"] for f in event_paper.Statements(blind).all()}
        self.assertEqual(blind["OVERLAY, AUC H->gg vs rest: distance from 0.50"], 0)
        report = self.report("standard")
        report["paper_split"] = report["trainings"][:1]
        report["by_seed"] = [{"id": "eb", "seeds": [1, 2], "figures": [{"name": "CvM, gg", "spread": 0.0002, "mean": 0.001}]}]
        report["other_showers"] = [{"id": event_paper.SINGLE, "sample": "crops", "electrons": 5, "photons": 6, "auc": 0.6543, "auc_error": 0.05},
                                   {"id": event_paper.SINGLE, "sample": "photons alone", "electrons": 0, "photons": 6}]
        more = {f["figure"]: f["value"] for f in event_paper.Statements(report).all()}
        with_more = event_paper.Statements({**report, "budget": "small"}).all()[0]
        self.assertEqual((with_more["figure"], with_more["goal"]), ("the whole study", None))
        self.assertIn(f"{len(report['trainings']) + 2} trainings", with_more["conditions"])
        given = event_paper.Statements({**self.report("small"), "given_weights": 3}).all()[0]
        self.assertIsNone(given["goal"])
        self.assertIn("3 of them trained before", given["conditions"])
        self.assertEqual({name: value for name, value in more.items() if name not in figures},
                         {"EB, CvM, gg: spread over 2 seeds": 0.0002, "shower-resnet, AUC of electron vs photon, crops": 0.6543,
                          "FOUR-MOMENTUM, central: AUC H->gg vs gamma+jet, validation = test as in the paper": 0.7})
        parts = {**self.report("standard"), "test_events": {"central": 11800, "central+forward": 15600}}
        self.assertIn("central 11,800, central+forward 15,600 test events per class", event_paper.Statements(parts).all()[0]["conditions"])
        self.assertEqual(event_paper.events_text({"central": 2000, "showers": 2000}), "2,000")
        small = {f["figure"]: f["goal"] for f in event_paper.Statements(self.report("small")).all()}
        self.assertEqual({name for name, goal in small.items() if goal is not None},
                         {"the whole study", *(name for name in small if name.startswith(("4-mom", "OVERLAY")))})

    def test_trainings_that_were_left_out_leave_rows(self):
        whole = [f["figure"] for f in event_paper.Statements(self.report("standard")).all()]
        for missing in ("four-momentum", "reference", "overlay", "rest-of-event", event_paper.PAIRS, *event_paper.CVM):
            report = self.report("standard")
            report["left_out"] = [{"id": missing, "title": t["title"]} for t in report["trainings"] if t["id"] == missing]
            report["trainings"] = [t for t in report["trainings"] if t["id"] != missing]
            if missing in ("cms-b", "eb"):
                report["comparisons"] = [{k: c[k] for k in ("first", "second", "auc_of", "claim")} for c in report["comparisons"]]
            figures = event_paper.Statements(report).all()
            empty = [f for f in figures if f["value"] is None]
            self.assertTrue(empty, missing)
            self.assertTrue(all(f["conditions"].startswith("not trained") for f in empty))
            self.assertTrue(all(f["value"] is not None for f in figures if f["figure"] not in [e["figure"] for e in empty]))
            if missing not in event_paper.CVM:
                self.assertEqual([f["figure"] for f in figures], whole)

    def test_gates_of_a_validation_and_of_a_test(self):
        validation = {"simulated_events": 3000, "m_gg": {"median": 124.81, "error": 0.03, "half_width": 1.9},
                      "m_gg_of_recorded": {"events": 7, "median_distance": 0.0012},
                      "per_event": [{"name": "EB hits", "simulated": 200.0, "recorded": 300.0},
                                    {"name": "HB hits", "simulated": 38.0, "recorded": None}]}
        self.assertEqual([f["value"] for f in event_paper.response_gates(validation)], [0.19, 0.12, 1.5, None])
        validation["halo_step"] = {"simulated": {"below": 20, "hits": 200}, "recorded": {"below": 3, "hits": 25}}
        self.assertEqual([f["value"] for f in event_paper.plot_gates(validation)], [0.33])
        validation["halo_step"]["simulated"]["below"] = 0  # no reason to be silent
        self.assertEqual([f["value"] for f in event_paper.plot_gates(validation)], [1.85])
        validation["halo_step_of_trigger"] = {"simulated": {"below": 10, "hits": 100}, "recorded": {"below": 0, "hits": 36}}
        self.assertEqual([f["value"] for f in event_paper.plot_gates(validation)], [1.85, 2.0])
        del validation["halo_step_of_trigger"]
        validation["halo_step"]["recorded"] = None
        self.assertEqual([f["value"] for f in event_paper.plot_gates(validation)], [None])
        del validation["m_gg_of_recorded"]
        self.assertEqual([f["value"] for f in event_paper.response_gates(validation)], [0.19, None, 1.5, None])
        figures = event_paper.pion_gates("AUC 20-30 GeV 0.77, 30-45 GeV 0.74, 45-60 GeV 0.6941")
        self.assertEqual([f["value"] for f in figures], [0.11, 0.07, 0.0659])
        self.assertEqual([f["value"] for f in event_paper.pion_gates("")], [None] * 3)

    def test_what_is_no_report_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            for text, says in ((None, "not there"), ("{", "no JSON"), ("{}", "no event-paper study")):
                if text is not None:
                    pathlib.Path(folder, "report.json").write_text(text)
                with self.assertRaisesRegex(SystemExit, says):
                    event_paper.read_report(folder)

    def test_the_page_has_the_statements_and_the_papers_tables(self):
        report = self.report("standard")
        about = {k: report[k] for k in ("budget", "seed", "epochs", "batch", "events", "validation_events", "test_events")}
        text = pages.event_paper_tables({"measured": "2026-01-01", "machine": "a machine", "study": about,
                                         "figures": event_paper.Statements(report).all(), "trainings": event_paper.tables(report)})
        self.assertIn("budget standard, 4 epochs in batches of 32, seed 1; events per class: central 3,000 to train on", text)
        self.assertIn("| CvM, true gg | 0.0010 (0.002) |", text)
        self.assertIn("| H->gg vs rest | 0.700 ± 0.010 (0.9) |", text)
        self.assertIn("| electron vs photon | 0.700 ± 0.030 | 0.800 ± 0.030 |", text)

    def test_trainings_that_the_paper_does_not_have_stand_apart(self):
        report = self.report("standard")
        for t in report["trainings"]:
            if t["id"] in ("reference", "overlay", "rest-of-event"):
                del t["cvm_gg"]["published"]
        tables = {category: [t["title"] for t in trainings] for category, trainings in event_paper.tables(report).items()}
        self.assertEqual(list(tables), ["central", "central, variants and controls", "showers"])
        self.assertEqual(tables["central, variants and controls"], ["OVERLAY", "REST-OF-EVENT"])
        self.assertIn("REFERENCE", tables["central"])


class Gpu(unittest.TestCase):
    MEASURED = [{"network": name, "precision": precision, "good": True, "error": 0 if precision == "fp32" else 3e-5, "batch": 2112,
                 "events_per_second": 1.5 * goal, "one_event_us": 80.0, "from_hits_per_second": 1.35 * goal}
                for name, goals in gpu.GOALS.items() for precision, goal in goals.items()]
    MEASURED.append({"network": "eb", "precision": "fp32", "good": True, "training_batch": 360,
                     "training_images_per_second": 41_000.0})

    @staticmethod
    def row(figures, name):
        return next(f for f in figures if f["figure"] == name)

    def test_what_was_measured_stands_beside_the_best_peer(self):
        beside = [{"network": "eb", "precision": "fp32", "events_per_second": speed} for speed in (50_000.0, 60_000.0)]
        beside.append({"network": "cms-b", "precision": "fp32", "one_event_us": 167.0})
        figures = gpu.figures_of(self.MEASURED, beside, "")
        eb, one = self.row(figures, "eb, fp32"), self.row(figures, "cms-b, one event, fp32")
        self.assertEqual((eb["value"], common.verdict(eb)), (180_000, "reached"))
        self.assertIn("PyTorch 60,000", eb["conditions"])
        self.assertEqual((one["value"], common.verdict(one)), (80.0, "MISSED"))
        self.assertIn("167 us", one["conditions"])
        hits = next(f for f in figures if "from hits" in f["figure"])
        self.assertEqual((hits["value"], common.verdict(hits)), (90.0, "reached"))

    def test_precisions_say_what_they_are_worth(self):
        figures = gpu.figures_of(self.MEASURED, [], "")
        self.assertIn("bits of exec::scalar", self.row(figures, "eb, fp32")["conditions"])
        half = self.row(figures, "eb, fp16")
        self.assertEqual((half["value"], common.verdict(half)), (1_500_000, "reached"))
        self.assertIn("scores within 3e-05 of exec::scalar", half["conditions"])
        training = self.row(figures, "training step, eb, batch 360, fp32")
        self.assertEqual((training["value"], common.verdict(training)), (41_000, "reached"))

    def test_what_there_is_no_kernel_for_is_not_measured(self):
        for measured, why in ((self.MEASURED, ""), ([], "no nvcc here")):
            row = self.row(gpu.figures_of(measured, [], why), "training step, eb, batch 360, bf16")
            self.assertEqual((row["value"], row["conditions"]), (None, gpu.UNWRITTEN))
        self.assertEqual(self.row(gpu.figures_of([], [], "no nvcc here"), "jets, fp16")["conditions"], "no nvcc here")

    def test_without_a_compiler_nothing_is_measured(self):
        with mock.patch.object(gpu, "device_name", return_value="a device"), \
                mock.patch.object(gpu, "nvcc", side_effect=gpu.NotHere("no nvcc here")), contextlib.redirect_stderr(io.StringIO()):
            record = gpu.study(with_peers=True)
        self.assertEqual({f["value"] for f in record["figures"]}, {None})

    def test_without_a_device_nothing_is_compiled(self):
        with mock.patch.object(gpu, "device_name", return_value=gpu.NO_NAME), mock.patch.object(gpu, "headers") as headers, \
                mock.patch.object(gpu.subprocess, "run", side_effect=AssertionError), contextlib.redirect_stderr(io.StringIO()):
            record = gpu.study(with_peers=True)
        headers.assert_called()  # they are there for a machine that has one
        self.assertEqual(self.row(record["figures"], "eb, fp16")["conditions"], "no NVIDIA device here")

    def measured(self, done):
        with mock.patch.object(gpu, "device_name", return_value="a device"), mock.patch.object(gpu, "nvcc", return_value="nvcc"), \
                mock.patch.object(gpu, "headers", return_value=[]), mock.patch.object(gpu.subprocess, "run", side_effect=done), \
                contextlib.redirect_stderr(io.StringIO()):
            return gpu.study(with_peers=False)

    def test_what_is_not_near_enough_is_not_told_and_all_else_is(self):
        built = mock.Mock(returncode=0, stdout="", stderr="")

        def run(command, **_):
            if command[0] == "nvcc":
                return built
            name = command[0].rpartition("_cuda_")[2]
            if name == "jets":
                raise subprocess.TimeoutExpired(command, 60, output=b"")
            rows = [m | {"good": name != "cms-b" or m["precision"] != "tf32"} for m in self.MEASURED if m["network"] == name]
            return mock.Mock(returncode=int(name == "cms-b"), stdout="\n".join(map(json.dumps, rows)), stderr="")

        record = self.measured(run)
        self.assertEqual(record["failed"], ["cms-b", "jets"])
        self.assertEqual(self.row(record["figures"], "cms-b, fp16")["value"], 1_200_000)
        wrong, late = self.row(record["figures"], "cms-b, tf32"), self.row(record["figures"], "jets, fp16")
        self.assertEqual((wrong["value"], wrong["conditions"]), (None, "not near enough to exec::scalar: tf32"))
        self.assertIsNone(late["value"])
        self.assertIn("did not end within", late["conditions"])
        self.assertEqual(self.row(record["figures"], "eb, fp32")["value"], 180_000)

    def test_what_does_not_compile_stops_it(self):
        with self.assertRaises(SystemExit) as stop:
            self.measured(lambda c, **_: mock.Mock(returncode=2, stdout="", stderr="no such header\n"))
        self.assertIn("was not built: no such header", str(stop.exception))


class Pages(unittest.TestCase):
    RECORD = {"measured": "2026-01-01", "machine": "a machine", "versions": {"calotype": "", "A": "2.0"},
              "missing": {"B": "no wheel"},
              "figures": [common.figure("speed: EB", 2.1, 2.0, "higher", "x", "alone"),
                          common.figure("cold", 1, None, "lower", "ms", "50 processes; a machine"),
                          common.figure("memory", None, 8, "lower", "MB", "no program")],
              "times": {"batch 1: EB": {"calotype": {"ms": 1.0, "noisy": False}, "A": {"ms": 2.0, "noisy": True}},
                        "batch 1: JET": {"calotype": {"ms": 0.5, "noisy": False}}}}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.page = self.folder / "page.md"
        self.page.write_text(f"before\n<!-- figures: cpu -->\n{pages.NOTHING.format(study='cpu')}\n<!-- end -->\nafter\n")
        for patch in (mock.patch.object(pages, "RECORD", self.folder), mock.patch.dict(pages.PAGES, {"cpu": self.page})):
            patch.start()
            self.addCleanup(patch.stop)

    def test_what_is_written_is_fresh_until_the_record_changes(self):
        self.assertIsNone(pages.check("cpu"))
        pages.write("cpu", self.RECORD)
        self.assertIsNone(pages.check("cpu"))
        text = self.page.read_text()
        self.assertTrue(text.startswith("before\n") and text.endswith("\nafter\n"))
        record = json.loads((self.folder / "cpu.json").read_text())
        record["figures"][0]["value"] = 2.2
        (self.folder / "cpu.json").write_text(json.dumps(record))
        self.assertIn("not that of docs/figures", pages.check("cpu"))

    def test_what_was_measured_is_not_replaced_by_nothing(self):
        pages.write("cpu", self.RECORD)
        nothing = {**self.RECORD, "figures": [{**f, "value": None} for f in self.RECORD["figures"]]}
        with self.assertRaisesRegex(SystemExit, "left as it is"):
            pages.write("cpu", nothing)
        self.assertIsNone(pages.check("cpu"))

    def test_the_table_tells_what_is_missing_missed_and_noisy(self):
        text = pages.cpu_tables(self.RECORD)
        self.assertIn("with calotype, A 2.0. Missing peers: B: no wheel.", text)
        self.assertIn("| speed: EB | 2.1 x | ≥ 2.0 | reached | alone |", text)
        self.assertIn("| cold | 1 ms | - | quoted | 50 processes |", text)
        self.assertIn("| memory | not measured | ≤ 8 | not measured | no program |", text)
        self.assertIn("| engine | EB | JET |", text)
        self.assertIn("| A | ~2 | - |", text)

    def test_a_page_without_its_marks_is_told(self):
        self.page.write_text("nothing\n")
        (self.folder / "cpu.json").write_text(json.dumps(self.RECORD))
        self.assertIn("needs one place", pages.check("cpu"))


if __name__ == "__main__":
    unittest.main()
