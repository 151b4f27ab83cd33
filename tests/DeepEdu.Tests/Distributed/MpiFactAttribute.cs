namespace DeepEdu.Tests.Distributed;

/// <summary>A test that needs an MPI, skipped where there is none.</summary>
internal sealed class MpiFactAttribute : FactAttribute
{
    public MpiFactAttribute()
    {
        if (Launchers.Length == 0) { Skip = "there is no mpirun: install Open MPI or MPICH"; }
    }

    /// <summary>Those that are installed: where there are both, by their own names.</summary>
    public static string[] Launchers { get; } = Find() is { Length: > 0 } both ? both : [.. new[] { "mpirun" }.Where(IsThere)];

    private static string[] Find() => [.. new[] { "mpirun.openmpi", "mpirun.mpich" }.Where(IsThere)];

    private static bool IsThere(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(f => File.Exists(Path.Combine(f, name)));
}
