using System.Globalization;
using BenchmarkDotNet.Running;
using DeepEdu.Benchmarks.Runner;
using DeepEdu.Benchmarks.Workloads;
using DeepEdu.Nn;

namespace DeepEdu.Benchmarks;

/// <summary>Ways to measure: whole workloads, pairs with PyTorch, tables of products, of element-wise functions, of all families of operations, of growing sizes, of padding, of privacy and of several processes, what a GPU can do, start-up, a hundred thousand steps in a row, and
/// BenchmarkDotNet's micro-benchmarks for everything else.</summary>
internal static class Program
{
    private const string Usage = """
        benchmarks: list | workloads [-w NAMES] [-t THREADS] [--mode train|infer|infer-int8] [--seconds S] [--device cpu|gpu|simulated [--graphs] [--tf32] [--steps]]
                    | profile -w NAME [-t THREADS] [--mode train|infer|infer-int8] [--seconds S]
                    | compare [-w NAMES] [-t 1,2] [--mode train|infer|infer-int8] [--pairs N] [--seconds S] [--python PROGRAM] [--device cpu|gpu [--graphs]]
                    | gemm [-t 1,2] [--seconds S] [--only "NN 64"] (needs OpenBLAS and oneDNN) | elementwise [-t 1,2] [--seconds S] [--python PROGRAM]
                    | ops [-t 1,2] [--sizes small,medium,large] [--only "softmax"] [--seconds S, for each] [--python PROGRAM] | scaling [--seconds S] | padding [-t 1,2] [--seconds S]
                    | privacy [-t 1,2] [--seconds S] | processes [--pairs N]
                    | gpu [-w NAMES|none] [--pairs N] [--size 4096] [--floats 67108864] [--seconds S] [--python PROGRAM] [--device gpu|simulated] [--float32, no TF32] [--save FILE]
                    | startup | soak [--steps N] [-t THREADS] | any BenchmarkDotNet arguments, such as --filter '*Gemm*'
        """;

    // what each way to measure takes with a value, and without
    private static readonly Dictionary<string, (string[] Values, string[] Flags)> s_options = new()
    {
        ["list"] = ([], []),
        ["workloads"] = (["-w", "-t", "--mode", "--seconds", "--device"], ["--graphs", "--tf32", "--steps"]),
        ["profile"] = (["-w", "-t", "--mode", "--seconds"], []),
        ["compare"] = (["-w", "-t", "--mode", "--pairs", "--seconds", "--python", "--device"], ["--graphs"]),
        ["gemm"] = (["-t", "--seconds", "--only"], []),
        ["elementwise"] = (["-t", "--seconds", "--python"], []),
        ["ops"] = (["-t", "--sizes", "--only", "--seconds", "--python"], []),
        ["scaling"] = (["--seconds"], []),
        ["padding"] = (["-t", "--seconds"], []),
        ["privacy"] = (["-t", "--seconds"], []),
        ["processes"] = (["--pairs"], []),
        ["gpu"] = (["-w", "--pairs", "--size", "--floats", "--seconds", "--python", "--device", "--save"], ["--float32"]),
        ["startup"] = ([], []),
        ["soak"] = (["--steps", "-t"], []),
    };

    private static int Main(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture; // what is printed is read by programs
        try { return Run(args); }
        catch (PeerException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            Console.Error.WriteLine(Usage);
            Console.Error.WriteLine(e.Message); // last, where it is looked for
            return 2;
        }
    }

    private static int Run(string[] args)
    {
        if (args.Any(a => a is "--help" or "-h" or "-?") && (args[0] is "--help" or "-h" or "-?" || s_options.ContainsKey(args[0])))
        {
            Console.WriteLine(Usage);
            return 0;
        }
        Check(args);
        if (Option(args, "--mode", "train") is not ("train" or "infer" or "infer-int8") and var mode) { throw new ArgumentException($"--mode: '{mode}' is none of train, infer and infer-int8"); }
        if (Option(args, "--mode", "train") == "infer-int8") { WorkloadList.Weights = WeightPrecision.Int8; }
        switch (args)
        {
            case []:
                Console.WriteLine(Usage);
                return 0;
            case ["list", ..]:
                foreach (var (name, _, _) in WorkloadList.All) { Console.WriteLine(name); }
                return 0;
            case ["workloads", ..]:
                foreach (string name in Names(args))
                {
                    foreach (int threads in Threads(args, "1,2"))
                    {
                        WorkloadRunner.Run(name, threads, Option(args, "--mode", "train"), Seconds(args), Option(args, "--device", "cpu"), args.Contains("--graphs"), args.Contains("--tf32"), args.Contains("--steps"));
                    }
                }
                return 0;
            case ["profile", ..]:
                foreach (string name in Names(args))
                {
                    foreach (int threads in Threads(args, "1")) { WorkloadRunner.Profile(name, threads, Option(args, "--mode", "train"), Seconds(args)); }
                }
                return 0;
            case ["compare", ..]:
                return Compare.Run([.. Names(args)], Threads(args, "1,2"), Option(args, "--mode", "train"), Whole(args, "--pairs", 3), Seconds(args),
                    Option(args, "--python", "/usr/bin/python3"), Option(args, "--device", "cpu"), args.Contains("--graphs"));
            case ["gemm", ..]:
                return GemmTable.Run(Threads(args, "1,2"), Seconds(args), Option(args, "--only", ""));
            case [GemmSide.Command, var library, var threads]:
                return GemmSide.Serve(library, int.Parse(threads));
            case ["elementwise", ..]:
                return ElementwiseTable.Run(Threads(args, "1,2"), Seconds(args), Option(args, "--python", "/usr/bin/python3"));
            case ["ops", ..]:
                return OpsTable.Run(Threads(args, "1,2"), Seconds(args, "0.05"), Option(args, "--only", ""), Option(args, "--sizes", "small,medium,large").Split(','), Option(args, "--python", "/usr/bin/python3"));
            case ["scaling", ..]:
                return ScalingTable.Run(Seconds(args));
            case ["padding", ..]:
                return PaddingTable.Run(Threads(args, "1,2"), Seconds(args));
            case ["privacy", ..]:
                return PrivacyTable.Run(Threads(args, "1,2"), Seconds(args));
            case ["processes", ..]:
                return ProcessTable.Run(Whole(args, "--pairs", 3));
            case [ProcessTable.Side, var model, var parts, var threads]:
                return ProcessTable.Serve(model, int.Parse(parts), int.Parse(threads));
            case ["gpu", ..]:
                using (Report report = new(Option(args, "--save", "")))
                {
                    return GpuTable.Run(report, Whole(args, "--size", 4096, least: 0), Whole(args, "--floats", 67108864, least: 0), Seconds(args), Option(args, "--python", "python3"), Option(args, "--device", "gpu"),
                        Option(args, "-w", "all") == "none" ? [] : [.. Names(args)], Whole(args, "--pairs", 1), !args.Contains("--float32"));
                }
            case ["startup", ..]:
                return Startup.Run();
            case ["soak", ..]:
                return Soak.Run(Whole(args, "--steps", 100000), Threads(args, "1")[0]);
            case [var word, ..] when !word.StartsWith('-'):
                throw new ArgumentException($"'{word}' is no way to measure");
            default:
                BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
                return 0;
        }
    }

    private static IEnumerable<string> Names(string[] args) => Option(args, "-w", "all") is "all" ? WorkloadList.All.Select(w => w.Name) : Option(args, "-w", "").Split(',');

    private static int[] Threads(string[] args, string otherwise) => [.. Option(args, "-t", otherwise).Split(',').Select(t => int.TryParse(t, out int n) && n > 0 ? n : throw new ArgumentException($"-t: '{t}' is no number of threads"))];

    private static double Seconds(string[] args, string otherwise = "3") => double.TryParse(Option(args, "--seconds", otherwise), NumberStyles.Float, CultureInfo.InvariantCulture, out double s) && s > 0 ? s : throw new ArgumentException("--seconds takes a number above 0");

    private static int Whole(string[] args, string name, int otherwise, int least = 1) => Option(args, name, "") is not { Length: > 0 } text ? otherwise
        : int.TryParse(text, out int n) && n >= least ? n : throw new ArgumentException($"{name}: '{text}' is no whole number from {least} on");

    // what is not known is not left out in silence
    private static void Check(string[] args)
    {
        if (args is [] || !s_options.TryGetValue(args[0], out var known)) { return; }
        for (int i = 1; i < args.Length; i++)
        {
            if (known.Values.Contains(args[i])) { i++; }
            else if (!known.Flags.Contains(args[i])) { throw new ArgumentException($"{args[0]}: '{args[i]}' is none of its options{(known.Values.Length == 0 ? "; it has none" : $" {string.Join(", ", known.Values.Concat(known.Flags))}")}"); }
        }
    }

    private static string Option(string[] args, string name, string otherwise)
    {
        int at = Array.IndexOf(args, name);
        return at < 0 ? otherwise : at + 1 < args.Length ? args[at + 1] : throw new ArgumentException($"{name} needs a value");
    }
}
