namespace DeepEdu.Tests.Distributed;

/// <summary>A test that needs an MPI, skipped where there is none.</summary>
internal sealed class MpiFactAttribute : FactAttribute
{
    public MpiFactAttribute()
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(f => File.Exists(Path.Combine(f, "mpirun")))) { Skip = "there is no mpirun: install Open MPI or MPICH"; }
    }
}
