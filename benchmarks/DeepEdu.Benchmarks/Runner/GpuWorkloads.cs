using System.Text.Json;
using DeepEdu.Benchmarks.Workloads;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Training steps on a GPU: ours, ours with launches as graphs, of recurrent networks ours with a launch a step in time, and PyTorch's, each in a process of its own, in turn; then both sides' with products, convolutions and what they have else by TF32.</summary>
internal static class GpuWorkloads
{
    public static void Run(Report report, string[] names, int pairs, double seconds, string python, string where, bool tf32)
    {
        report.Line($"\n| workload | DeepEdu ms | with graphs ms | launches of steps ms | PyTorch ms | ratio | with graphs | at most | same bits | losses | launches | TF32 ms | PyTorch's | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (string name in names)
        {
            var (_, _, peers) = WorkloadList.Find(name);
            List<double> plain = [], graphs = [], stepwise = [], theirs = [], rounded = [], theirRounded = [];
            JsonElement us = default, captured = default, them = default;
            List<string> wrong = [];
            for (int pair = 0; pair < pairs; pair++)
            {
                us = Take(plain, wrong, "DeepEdu", () => Compare.Ours(name, 1, "train", seconds, where, false));
                captured = Take(graphs, wrong, "with graphs", () => Compare.Ours(name, 1, "train", seconds, where, true));
                if (IsRecurrent(name)) { Take(stepwise, wrong, "launches of steps", () => Compare.Ours(name, 1, "train", seconds, where, false, steps: true)); }
                if (tf32) { Take(rounded, wrong, "TF32", () => Compare.Ours(name, 1, "train", seconds, where, false, tf32: true)); }
                if (python.Length == 0) { continue; }
                them = Theirs(theirs, false);
                if (tf32) { Theirs(theirRounded, true); }
            }
            double r = Median(rounded), q = Median(theirRounded), a = Median(plain), b = Median(graphs), c = Median(theirs), most = Most(name);
            bool same = Number(us, "loss_same") == Number(captured, "loss_same");
            report.Line($"| {name} | {Say(a)} | {Say(b)} | {Say(Median(stepwise))} | {Say(c)} | **{Say(a / c)}** | **{Say(b / c)}** | {most:f1} | {(same ? "yes" : "**no**")} | {Say(Number(us, "loss_first"))}→{Say(Number(us, "loss_last"))} / {Say(Number(them, "loss_first"))}→{Say(Number(them, "loss_last"))} | {Text(us, "launches")} | {Say(r)} | {Say(q)} | **{Say(r / q)}** |");
            foreach (string what in wrong.Distinct()) { report.Line($"| {name} | {what} |"); }
            if (plain.Count == 0 || theirs.Count > 0) { report.Aim($"{name}: at most {most:f1} of PyTorch's time", $"{Say(a / c)}; with graphs {Say(b / c)}", a / c <= most || b / c <= most); }
            if (theirRounded.Count > 0) { report.Aim($"{name}, TF32: at most {most:f1} of PyTorch's time with TF32", Say(r / q), r / q <= most); }
            if (graphs.Count > 0) { report.Aim($"{name}: graphs train to the same bits", same ? "yes" : "no", same); }

            JsonElement Theirs(List<double> times, bool tf32)
            {
                List<double> best = [];
                JsonElement last = default;
                foreach (string peer in peers) { last = Take(best, wrong, "PyTorch", () => Compare.Peer(python, Compare.Peer("torch_workloads.py"), peer, 1, "train", seconds, "default", where, tf32)); }
                if (best.Count > 0) { times.Add(best.Min()); }
                return last;
            }
        }
    }

    private static bool IsRecurrent(string name) => name.StartsWith("essay", StringComparison.Ordinal) || name.StartsWith("charlm", StringComparison.Ordinal) || name.StartsWith("dkt", StringComparison.Ordinal) || name == "stacked_lstm";

    // PyTorch is bound by launches where networks are small
    private static double Most(string name) => name.StartsWith("charlm", StringComparison.Ordinal) || name.StartsWith("dkt", StringComparison.Ordinal) || name == "attention" ? 1.5 : 1.0;

    private static JsonElement Take(List<double> times, List<string> wrong, string who, Func<JsonElement> run)
    {
        try
        {
            var said = run();
            times.Add(said.GetProperty("median_ms").GetDouble());
            return said;
        }
        catch (Exception e) when (Compare.IsFailure(e))
        {
            wrong.Add($"{who}: {e.Message}");
            return default;
        }
    }

    private static double Number(JsonElement e, string property) => e.ValueKind == JsonValueKind.Object && e.TryGetProperty(property, out var v) ? v.GetDouble() : double.NaN;

    private static string Text(JsonElement e, string property) => e.ValueKind == JsonValueKind.Object && e.TryGetProperty(property, out var v) ? v.GetString()! : "";

    private static string Say(double v) => double.IsNaN(v) ? "–" : $"{v:f3}";

    private static double Median(List<double> values) => values.Count == 0 ? double.NaN : Compare.Median(values);
}
