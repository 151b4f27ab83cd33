namespace DeepEdu.Tests.Education;

/// <summary>A test on real data: a folder in the one that the environment variable DEEPEDU_DATA names. Skipped where it is not there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DataFactAttribute : FactAttribute
{
    public DataFactAttribute(string name)
    {
        if (!Directory.Exists(Folder(name))) { Skip = $"no real data: set DEEPEDU_DATA to a folder that has {name}"; }
    }

    public static string Folder(string name) => Path.Combine(Environment.GetEnvironmentVariable("DEEPEDU_DATA") ?? "", name);
}
