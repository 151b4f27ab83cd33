using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>What an LSTM carries from one step, or one piece of a long sequence, to the next.</summary>
/// <param name="H">h [layers·directions, batch, outputs], layer by layer, the reverse direction after the forward one, as in PyTorch.</param>
/// <param name="C">c [layers·directions, batch, hidden].</param>
public readonly record struct LstmState(Tensor H, Tensor C)
{
    /// <summary>The same values without history: gradients stop here. Truncated backpropagation through time passes this on to the next piece.</summary>
    public LstmState Detach() => new(H.Detach(), C.Detach());

    /// <summary>Lets both outlive the tape or arena in which they were made.</summary>
    public LstmState Keep() => new(H.Keep(), C.Keep());
}

/// <summary>What <c>Lstm.Run</c> gives.</summary>
/// <param name="Output">The top layer's h of every step: [batch, steps, directions·outputs], or [steps, batch, ..]; 0 on padding.</param>
/// <param name="State">Each layer's state after each sequence's own last step.</param>
public readonly record struct LstmOutput(Tensor Output, LstmState State);
