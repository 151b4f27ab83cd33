namespace DeepEdu.Benchmarks.Runner;

/// <summary>A page of markdown on its way to the console and, if there is a file, there too: what is known when a program ends early is kept.</summary>
/// <param name="file">The file's name; empty for none.</param>
internal sealed class Report(string file) : IDisposable
{
    private readonly StreamWriter? _file = file.Length > 0 ? new(file) { AutoFlush = true } : null;
    private readonly List<(string What, string Measured, bool Holds)> _aims = [];

    public void Line(string line = "")
    {
        Console.WriteLine(line);
        _file?.WriteLine(line);
    }

    /// <summary>Notes what was aimed at and what came.</summary>
    public void Aim(string what, string measured, bool holds) => _aims.Add((what, measured, holds));

    /// <summary>The aims as a table. Returns whether all hold.</summary>
    public bool Aims()
    {
        if (_aims.Count == 0) { return true; }
        Line("\n| aim | measured | holds |\n|---|---|---|");
        foreach (var (what, measured, holds) in _aims) { Line($"| {what} | {measured} | {(holds ? "yes" : "**no**")} |"); }
        return _aims.TrueForAll(a => a.Holds);
    }

    public void Dispose() => _file?.Dispose();
}
