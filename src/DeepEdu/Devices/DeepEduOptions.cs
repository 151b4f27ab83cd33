namespace DeepEdu.Devices;

/// <summary>Settings of the whole process.</summary>
public static class DeepEduOptions
{
    private static int s_maxThreads = Environment.ProcessorCount;

    /// <summary>How many threads a computation may use, the caller's included; the number of processors unless set. Results do not depend on it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public static int MaxThreads
    {
        get => s_maxThreads;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            s_maxThreads = value;
        }
    }
}
