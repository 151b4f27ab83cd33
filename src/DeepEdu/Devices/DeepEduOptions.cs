namespace DeepEdu.Devices;

/// <summary>Settings of the whole process.</summary>
public static class DeepEduOptions
{
    /// <summary>Whether threads can be made: not in a browser. A test may say that they cannot.</summary>
    internal static bool HasThreads { get; set; } = !OperatingSystem.IsBrowser();

    private static int s_maxThreads = HasThreads ? Environment.ProcessorCount : 1;

    /// <summary>How many threads a computation may use, the caller's included; the number of processors unless set. Results do not depend on it. In a browser, where .NET has one thread, it stays 1 whatever is set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public static int MaxThreads
    {
        get => s_maxThreads;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            s_maxThreads = HasThreads ? value : 1;
        }
    }
}
